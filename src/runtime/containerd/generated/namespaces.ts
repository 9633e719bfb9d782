import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { CreateNamespace as _containerd_services_namespaces_v1_CreateNamespace, CreateNamespace__Output as _containerd_services_namespaces_v1_CreateNamespace__Output } from './containerd/services/namespaces/v1/CreateNamespace.ts';
import type { Namespace as _containerd_services_namespaces_v1_Namespace, Namespace__Output as _containerd_services_namespaces_v1_Namespace__Output } from './containerd/services/namespaces/v1/Namespace.ts';
import type { NamespaceAnswer as _containerd_services_namespaces_v1_NamespaceAnswer, NamespaceAnswer__Output as _containerd_services_namespaces_v1_NamespaceAnswer__Output } from './containerd/services/namespaces/v1/NamespaceAnswer.ts';
import type { NamespaceName as _containerd_services_namespaces_v1_NamespaceName, NamespaceName__Output as _containerd_services_namespaces_v1_NamespaceName__Output } from './containerd/services/namespaces/v1/NamespaceName.ts';
import type { NamespacesClient as _containerd_services_namespaces_v1_NamespacesClient, NamespacesDefinition as _containerd_services_namespaces_v1_NamespacesDefinition } from './containerd/services/namespaces/v1/Namespaces.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      namespaces: {
        v1: {
          CreateNamespace: MessageTypeDefinition<_containerd_services_namespaces_v1_CreateNamespace, _containerd_services_namespaces_v1_CreateNamespace__Output>
          Namespace: MessageTypeDefinition<_containerd_services_namespaces_v1_Namespace, _containerd_services_namespaces_v1_Namespace__Output>
          NamespaceAnswer: MessageTypeDefinition<_containerd_services_namespaces_v1_NamespaceAnswer, _containerd_services_namespaces_v1_NamespaceAnswer__Output>
          NamespaceName: MessageTypeDefinition<_containerd_services_namespaces_v1_NamespaceName, _containerd_services_namespaces_v1_NamespaceName__Output>
          Namespaces: SubtypeConstructor<typeof grpc.Client, _containerd_services_namespaces_v1_NamespacesClient> & { service: _containerd_services_namespaces_v1_NamespacesDefinition }
        }
      }
    }
  }
  google: {
    protobuf: {
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
    }
  }
}

