// Original file: proto/namespaces.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateNamespace as _containerd_services_namespaces_v1_CreateNamespace, CreateNamespace__Output as _containerd_services_namespaces_v1_CreateNamespace__Output } from '../../../../containerd/services/namespaces/v1/CreateNamespace.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { NamespaceAnswer as _containerd_services_namespaces_v1_NamespaceAnswer, NamespaceAnswer__Output as _containerd_services_namespaces_v1_NamespaceAnswer__Output } from '../../../../containerd/services/namespaces/v1/NamespaceAnswer.ts';
import type { NamespaceName as _containerd_services_namespaces_v1_NamespaceName, NamespaceName__Output as _containerd_services_namespaces_v1_NamespaceName__Output } from '../../../../containerd/services/namespaces/v1/NamespaceName.ts';

export interface NamespacesClient extends grpc.Client {
  Create(argument: _containerd_services_namespaces_v1_CreateNamespace, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_namespaces_v1_CreateNamespace, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_namespaces_v1_CreateNamespace, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_namespaces_v1_CreateNamespace, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_namespaces_v1_CreateNamespace, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_namespaces_v1_CreateNamespace, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_namespaces_v1_CreateNamespace, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_namespaces_v1_CreateNamespace, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_namespaces_v1_NamespaceName, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_namespaces_v1_NamespaceName, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_namespaces_v1_NamespaceName, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_namespaces_v1_NamespaceName, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_namespaces_v1_NamespaceName, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_namespaces_v1_NamespaceName, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_namespaces_v1_NamespaceName, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_namespaces_v1_NamespaceName, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_namespaces_v1_NamespaceName, callback: grpc.requestCallback<_containerd_services_namespaces_v1_NamespaceAnswer__Output>): grpc.ClientUnaryCall;
  
}

export interface NamespacesHandlers extends grpc.UntypedServiceImplementation {
  Create: grpc.handleUnaryCall<_containerd_services_namespaces_v1_CreateNamespace__Output, _containerd_services_namespaces_v1_NamespaceAnswer>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_namespaces_v1_NamespaceName__Output, _google_protobuf_Empty>;
  
  Get: grpc.handleUnaryCall<_containerd_services_namespaces_v1_NamespaceName__Output, _containerd_services_namespaces_v1_NamespaceAnswer>;
  
}

export interface NamespacesDefinition extends grpc.ServiceDefinition {
  Create: MethodDefinition<_containerd_services_namespaces_v1_CreateNamespace, _containerd_services_namespaces_v1_NamespaceAnswer, _containerd_services_namespaces_v1_CreateNamespace__Output, _containerd_services_namespaces_v1_NamespaceAnswer__Output>
  Delete: MethodDefinition<_containerd_services_namespaces_v1_NamespaceName, _google_protobuf_Empty, _containerd_services_namespaces_v1_NamespaceName__Output, _google_protobuf_Empty__Output>
  Get: MethodDefinition<_containerd_services_namespaces_v1_NamespaceName, _containerd_services_namespaces_v1_NamespaceAnswer, _containerd_services_namespaces_v1_NamespaceName__Output, _containerd_services_namespaces_v1_NamespaceAnswer__Output>
}
