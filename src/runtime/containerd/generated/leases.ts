import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AddResource as _containerd_services_leases_v1_AddResource, AddResource__Output as _containerd_services_leases_v1_AddResource__Output } from './containerd/services/leases/v1/AddResource.ts';
import type { CreateLease as _containerd_services_leases_v1_CreateLease, CreateLease__Output as _containerd_services_leases_v1_CreateLease__Output } from './containerd/services/leases/v1/CreateLease.ts';
import type { DeleteLease as _containerd_services_leases_v1_DeleteLease, DeleteLease__Output as _containerd_services_leases_v1_DeleteLease__Output } from './containerd/services/leases/v1/DeleteLease.ts';
import type { Lease as _containerd_services_leases_v1_Lease, Lease__Output as _containerd_services_leases_v1_Lease__Output } from './containerd/services/leases/v1/Lease.ts';
import type { LeaseAnswer as _containerd_services_leases_v1_LeaseAnswer, LeaseAnswer__Output as _containerd_services_leases_v1_LeaseAnswer__Output } from './containerd/services/leases/v1/LeaseAnswer.ts';
import type { LeaseList as _containerd_services_leases_v1_LeaseList, LeaseList__Output as _containerd_services_leases_v1_LeaseList__Output } from './containerd/services/leases/v1/LeaseList.ts';
import type { LeasesClient as _containerd_services_leases_v1_LeasesClient, LeasesDefinition as _containerd_services_leases_v1_LeasesDefinition } from './containerd/services/leases/v1/Leases.ts';
import type { ListLeases as _containerd_services_leases_v1_ListLeases, ListLeases__Output as _containerd_services_leases_v1_ListLeases__Output } from './containerd/services/leases/v1/ListLeases.ts';
import type { Resource as _containerd_services_leases_v1_Resource, Resource__Output as _containerd_services_leases_v1_Resource__Output } from './containerd/services/leases/v1/Resource.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      leases: {
        v1: {
          AddResource: MessageTypeDefinition<_containerd_services_leases_v1_AddResource, _containerd_services_leases_v1_AddResource__Output>
          CreateLease: MessageTypeDefinition<_containerd_services_leases_v1_CreateLease, _containerd_services_leases_v1_CreateLease__Output>
          DeleteLease: MessageTypeDefinition<_containerd_services_leases_v1_DeleteLease, _containerd_services_leases_v1_DeleteLease__Output>
          Lease: MessageTypeDefinition<_containerd_services_leases_v1_Lease, _containerd_services_leases_v1_Lease__Output>
          LeaseAnswer: MessageTypeDefinition<_containerd_services_leases_v1_LeaseAnswer, _containerd_services_leases_v1_LeaseAnswer__Output>
          LeaseList: MessageTypeDefinition<_containerd_services_leases_v1_LeaseList, _containerd_services_leases_v1_LeaseList__Output>
          Leases: SubtypeConstructor<typeof grpc.Client, _containerd_services_leases_v1_LeasesClient> & { service: _containerd_services_leases_v1_LeasesDefinition }
          ListLeases: MessageTypeDefinition<_containerd_services_leases_v1_ListLeases, _containerd_services_leases_v1_ListLeases__Output>
          Resource: MessageTypeDefinition<_containerd_services_leases_v1_Resource, _containerd_services_leases_v1_Resource__Output>
        }
      }
    }
  }
  google: {
    protobuf: {
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

