import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Container as _containerd_services_containers_v1_Container, Container__Output as _containerd_services_containers_v1_Container__Output } from './containerd/services/containers/v1/Container.ts';
import type { ContainerAnswer as _containerd_services_containers_v1_ContainerAnswer, ContainerAnswer__Output as _containerd_services_containers_v1_ContainerAnswer__Output } from './containerd/services/containers/v1/ContainerAnswer.ts';
import type { ContainerId as _containerd_services_containers_v1_ContainerId, ContainerId__Output as _containerd_services_containers_v1_ContainerId__Output } from './containerd/services/containers/v1/ContainerId.ts';
import type { ContainerList as _containerd_services_containers_v1_ContainerList, ContainerList__Output as _containerd_services_containers_v1_ContainerList__Output } from './containerd/services/containers/v1/ContainerList.ts';
import type { ContainersClient as _containerd_services_containers_v1_ContainersClient, ContainersDefinition as _containerd_services_containers_v1_ContainersDefinition } from './containerd/services/containers/v1/Containers.ts';
import type { CreateContainer as _containerd_services_containers_v1_CreateContainer, CreateContainer__Output as _containerd_services_containers_v1_CreateContainer__Output } from './containerd/services/containers/v1/CreateContainer.ts';
import type { ListContainers as _containerd_services_containers_v1_ListContainers, ListContainers__Output as _containerd_services_containers_v1_ListContainers__Output } from './containerd/services/containers/v1/ListContainers.ts';
import type { Runtime as _containerd_services_containers_v1_Runtime, Runtime__Output as _containerd_services_containers_v1_Runtime__Output } from './containerd/services/containers/v1/Runtime.ts';
import type { UpdateContainer as _containerd_services_containers_v1_UpdateContainer, UpdateContainer__Output as _containerd_services_containers_v1_UpdateContainer__Output } from './containerd/services/containers/v1/UpdateContainer.ts';
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from './google/protobuf/Any.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { FieldMask as _google_protobuf_FieldMask, FieldMask__Output as _google_protobuf_FieldMask__Output } from './google/protobuf/FieldMask.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      containers: {
        v1: {
          Container: MessageTypeDefinition<_containerd_services_containers_v1_Container, _containerd_services_containers_v1_Container__Output>
          ContainerAnswer: MessageTypeDefinition<_containerd_services_containers_v1_ContainerAnswer, _containerd_services_containers_v1_ContainerAnswer__Output>
          ContainerId: MessageTypeDefinition<_containerd_services_containers_v1_ContainerId, _containerd_services_containers_v1_ContainerId__Output>
          ContainerList: MessageTypeDefinition<_containerd_services_containers_v1_ContainerList, _containerd_services_containers_v1_ContainerList__Output>
          Containers: SubtypeConstructor<typeof grpc.Client, _containerd_services_containers_v1_ContainersClient> & { service: _containerd_services_containers_v1_ContainersDefinition }
          CreateContainer: MessageTypeDefinition<_containerd_services_containers_v1_CreateContainer, _containerd_services_containers_v1_CreateContainer__Output>
          ListContainers: MessageTypeDefinition<_containerd_services_containers_v1_ListContainers, _containerd_services_containers_v1_ListContainers__Output>
          Runtime: MessageTypeDefinition<_containerd_services_containers_v1_Runtime, _containerd_services_containers_v1_Runtime__Output>
          UpdateContainer: MessageTypeDefinition<_containerd_services_containers_v1_UpdateContainer, _containerd_services_containers_v1_UpdateContainer__Output>
        }
      }
    }
  }
  google: {
    protobuf: {
      Any: MessageTypeDefinition<_google_protobuf_Any, _google_protobuf_Any__Output>
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
      FieldMask: MessageTypeDefinition<_google_protobuf_FieldMask, _google_protobuf_FieldMask__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

