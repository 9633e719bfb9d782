// Original file: proto/leases.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AddResource as _containerd_services_leases_v1_AddResource, AddResource__Output as _containerd_services_leases_v1_AddResource__Output } from '../../../../containerd/services/leases/v1/AddResource.ts';
import type { CreateLease as _containerd_services_leases_v1_CreateLease, CreateLease__Output as _containerd_services_leases_v1_CreateLease__Output } from '../../../../containerd/services/leases/v1/CreateLease.ts';
import type { DeleteLease as _containerd_services_leases_v1_DeleteLease, DeleteLease__Output as _containerd_services_leases_v1_DeleteLease__Output } from '../../../../containerd/services/leases/v1/DeleteLease.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { LeaseAnswer as _containerd_services_leases_v1_LeaseAnswer, LeaseAnswer__Output as _containerd_services_leases_v1_LeaseAnswer__Output } from '../../../../containerd/services/leases/v1/LeaseAnswer.ts';
import type { LeaseList as _containerd_services_leases_v1_LeaseList, LeaseList__Output as _containerd_services_leases_v1_LeaseList__Output } from '../../../../containerd/services/leases/v1/LeaseList.ts';
import type { ListLeases as _containerd_services_leases_v1_ListLeases, ListLeases__Output as _containerd_services_leases_v1_ListLeases__Output } from '../../../../containerd/services/leases/v1/ListLeases.ts';

export interface LeasesClient extends grpc.Client {
  AddResource(argument: _containerd_services_leases_v1_AddResource, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  AddResource(argument: _containerd_services_leases_v1_AddResource, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  AddResource(argument: _containerd_services_leases_v1_AddResource, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  AddResource(argument: _containerd_services_leases_v1_AddResource, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  addResource(argument: _containerd_services_leases_v1_AddResource, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  addResource(argument: _containerd_services_leases_v1_AddResource, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  addResource(argument: _containerd_services_leases_v1_AddResource, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  addResource(argument: _containerd_services_leases_v1_AddResource, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Create(argument: _containerd_services_leases_v1_CreateLease, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_leases_v1_CreateLease, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_leases_v1_CreateLease, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_leases_v1_CreateLease, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_leases_v1_CreateLease, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_leases_v1_CreateLease, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_leases_v1_CreateLease, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_leases_v1_CreateLease, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseAnswer__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_leases_v1_DeleteLease, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_leases_v1_DeleteLease, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_leases_v1_DeleteLease, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_leases_v1_DeleteLease, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_leases_v1_DeleteLease, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_leases_v1_DeleteLease, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_leases_v1_DeleteLease, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_leases_v1_DeleteLease, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_leases_v1_ListLeases, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_leases_v1_ListLeases, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_leases_v1_ListLeases, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_leases_v1_ListLeases, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_leases_v1_ListLeases, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_leases_v1_ListLeases, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_leases_v1_ListLeases, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_leases_v1_ListLeases, callback: grpc.requestCallback<_containerd_services_leases_v1_LeaseList__Output>): grpc.ClientUnaryCall;
  
}

export interface LeasesHandlers extends grpc.UntypedServiceImplementation {
  AddResource: grpc.handleUnaryCall<_containerd_services_leases_v1_AddResource__Output, _google_protobuf_Empty>;
  
  Create: grpc.handleUnaryCall<_containerd_services_leases_v1_CreateLease__Output, _containerd_services_leases_v1_LeaseAnswer>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_leases_v1_DeleteLease__Output, _google_protobuf_Empty>;
  
  List: grpc.handleUnaryCall<_containerd_services_leases_v1_ListLeases__Output, _containerd_services_leases_v1_LeaseList>;
  
}

export interface LeasesDefinition extends grpc.ServiceDefinition {
  AddResource: MethodDefinition<_containerd_services_leases_v1_AddResource, _google_protobuf_Empty, _containerd_services_leases_v1_AddResource__Output, _google_protobuf_Empty__Output>
  Create: MethodDefinition<_containerd_services_leases_v1_CreateLease, _containerd_services_leases_v1_LeaseAnswer, _containerd_services_leases_v1_CreateLease__Output, _containerd_services_leases_v1_LeaseAnswer__Output>
  Delete: MethodDefinition<_containerd_services_leases_v1_DeleteLease, _google_protobuf_Empty, _containerd_services_leases_v1_DeleteLease__Output, _google_protobuf_Empty__Output>
  List: MethodDefinition<_containerd_services_leases_v1_ListLeases, _containerd_services_leases_v1_LeaseList, _containerd_services_leases_v1_ListLeases__Output, _containerd_services_leases_v1_LeaseList__Output>
}
