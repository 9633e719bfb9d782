// Original file: proto/containers.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ContainerAnswer as _containerd_services_containers_v1_ContainerAnswer, ContainerAnswer__Output as _containerd_services_containers_v1_ContainerAnswer__Output } from '../../../../containerd/services/containers/v1/ContainerAnswer.ts';
import type { ContainerId as _containerd_services_containers_v1_ContainerId, ContainerId__Output as _containerd_services_containers_v1_ContainerId__Output } from '../../../../containerd/services/containers/v1/ContainerId.ts';
import type { ContainerList as _containerd_services_containers_v1_ContainerList, ContainerList__Output as _containerd_services_containers_v1_ContainerList__Output } from '../../../../containerd/services/containers/v1/ContainerList.ts';
import type { CreateContainer as _containerd_services_containers_v1_CreateContainer, CreateContainer__Output as _containerd_services_containers_v1_CreateContainer__Output } from '../../../../containerd/services/containers/v1/CreateContainer.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { ListContainers as _containerd_services_containers_v1_ListContainers, ListContainers__Output as _containerd_services_containers_v1_ListContainers__Output } from '../../../../containerd/services/containers/v1/ListContainers.ts';
import type { UpdateContainer as _containerd_services_containers_v1_UpdateContainer, UpdateContainer__Output as _containerd_services_containers_v1_UpdateContainer__Output } from '../../../../containerd/services/containers/v1/UpdateContainer.ts';

export interface ContainersClient extends grpc.Client {
  Create(argument: _containerd_services_containers_v1_CreateContainer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_containers_v1_CreateContainer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_containers_v1_CreateContainer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_containers_v1_CreateContainer, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_containers_v1_CreateContainer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_containers_v1_CreateContainer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_containers_v1_CreateContainer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_containers_v1_CreateContainer, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_containers_v1_ContainerId, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_containers_v1_ContainerId, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_containers_v1_ContainerId, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_containers_v1_ContainerId, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_containers_v1_ContainerId, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_containers_v1_ContainerId, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_containers_v1_ContainerId, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_containers_v1_ContainerId, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_containers_v1_ContainerId, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_containers_v1_ListContainers, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_containers_v1_ListContainers, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_containers_v1_ListContainers, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_containers_v1_ListContainers, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_containers_v1_ListContainers, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_containers_v1_ListContainers, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_containers_v1_ListContainers, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_containers_v1_ListContainers, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerList__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _containerd_services_containers_v1_UpdateContainer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_containers_v1_UpdateContainer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_containers_v1_UpdateContainer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_containers_v1_UpdateContainer, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_containers_v1_UpdateContainer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_containers_v1_UpdateContainer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_containers_v1_UpdateContainer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_containers_v1_UpdateContainer, callback: grpc.requestCallback<_containerd_services_containers_v1_ContainerAnswer__Output>): grpc.ClientUnaryCall;
  
}

export interface ContainersHandlers extends grpc.UntypedServiceImplementation {
  Create: grpc.handleUnaryCall<_containerd_services_containers_v1_CreateContainer__Output, _containerd_services_containers_v1_ContainerAnswer>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_containers_v1_ContainerId__Output, _google_protobuf_Empty>;
  
  Get: grpc.handleUnaryCall<_containerd_services_containers_v1_ContainerId__Output, _containerd_services_containers_v1_ContainerAnswer>;
  
  List: grpc.handleUnaryCall<_containerd_services_containers_v1_ListContainers__Output, _containerd_services_containers_v1_ContainerList>;
  
  Update: grpc.handleUnaryCall<_containerd_services_containers_v1_UpdateContainer__Output, _containerd_services_containers_v1_ContainerAnswer>;
  
}

export interface ContainersDefinition extends grpc.ServiceDefinition {
  Create: MethodDefinition<_containerd_services_containers_v1_CreateContainer, _containerd_services_containers_v1_ContainerAnswer, _containerd_services_containers_v1_CreateContainer__Output, _containerd_services_containers_v1_ContainerAnswer__Output>
  Delete: MethodDefinition<_containerd_services_containers_v1_ContainerId, _google_protobuf_Empty, _containerd_services_containers_v1_ContainerId__Output, _google_protobuf_Empty__Output>
  Get: MethodDefinition<_containerd_services_containers_v1_ContainerId, _containerd_services_containers_v1_ContainerAnswer, _containerd_services_containers_v1_ContainerId__Output, _containerd_services_containers_v1_ContainerAnswer__Output>
  List: MethodDefinition<_containerd_services_containers_v1_ListContainers, _containerd_services_containers_v1_ContainerList, _containerd_services_containers_v1_ListContainers__Output, _containerd_services_containers_v1_ContainerList__Output>
  Update: MethodDefinition<_containerd_services_containers_v1_UpdateContainer, _containerd_services_containers_v1_ContainerAnswer, _containerd_services_containers_v1_UpdateContainer__Output, _containerd_services_containers_v1_ContainerAnswer__Output>
}
