import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { CommitSnapshot as _containerd_services_snapshots_v1_CommitSnapshot, CommitSnapshot__Output as _containerd_services_snapshots_v1_CommitSnapshot__Output } from './containerd/services/snapshots/v1/CommitSnapshot.ts';
import type { Info as _containerd_services_snapshots_v1_Info, Info__Output as _containerd_services_snapshots_v1_Info__Output } from './containerd/services/snapshots/v1/Info.ts';
import type { ListSnapshots as _containerd_services_snapshots_v1_ListSnapshots, ListSnapshots__Output as _containerd_services_snapshots_v1_ListSnapshots__Output } from './containerd/services/snapshots/v1/ListSnapshots.ts';
import type { PrepareSnapshot as _containerd_services_snapshots_v1_PrepareSnapshot, PrepareSnapshot__Output as _containerd_services_snapshots_v1_PrepareSnapshot__Output } from './containerd/services/snapshots/v1/PrepareSnapshot.ts';
import type { SnapshotAnswer as _containerd_services_snapshots_v1_SnapshotAnswer, SnapshotAnswer__Output as _containerd_services_snapshots_v1_SnapshotAnswer__Output } from './containerd/services/snapshots/v1/SnapshotAnswer.ts';
import type { SnapshotKey as _containerd_services_snapshots_v1_SnapshotKey, SnapshotKey__Output as _containerd_services_snapshots_v1_SnapshotKey__Output } from './containerd/services/snapshots/v1/SnapshotKey.ts';
import type { SnapshotList as _containerd_services_snapshots_v1_SnapshotList, SnapshotList__Output as _containerd_services_snapshots_v1_SnapshotList__Output } from './containerd/services/snapshots/v1/SnapshotList.ts';
import type { SnapshotMounts as _containerd_services_snapshots_v1_SnapshotMounts, SnapshotMounts__Output as _containerd_services_snapshots_v1_SnapshotMounts__Output } from './containerd/services/snapshots/v1/SnapshotMounts.ts';
import type { SnapshotUsage as _containerd_services_snapshots_v1_SnapshotUsage, SnapshotUsage__Output as _containerd_services_snapshots_v1_SnapshotUsage__Output } from './containerd/services/snapshots/v1/SnapshotUsage.ts';
import type { SnapshotsClient as _containerd_services_snapshots_v1_SnapshotsClient, SnapshotsDefinition as _containerd_services_snapshots_v1_SnapshotsDefinition } from './containerd/services/snapshots/v1/Snapshots.ts';
import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from './containerd/types/Descriptor.ts';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from './containerd/types/Mount.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      snapshots: {
        v1: {
          CommitSnapshot: MessageTypeDefinition<_containerd_services_snapshots_v1_CommitSnapshot, _containerd_services_snapshots_v1_CommitSnapshot__Output>
          Info: MessageTypeDefinition<_containerd_services_snapshots_v1_Info, _containerd_services_snapshots_v1_Info__Output>
          Kind: EnumTypeDefinition
          ListSnapshots: MessageTypeDefinition<_containerd_services_snapshots_v1_ListSnapshots, _containerd_services_snapshots_v1_ListSnapshots__Output>
          PrepareSnapshot: MessageTypeDefinition<_containerd_services_snapshots_v1_PrepareSnapshot, _containerd_services_snapshots_v1_PrepareSnapshot__Output>
          SnapshotAnswer: MessageTypeDefinition<_containerd_services_snapshots_v1_SnapshotAnswer, _containerd_services_snapshots_v1_SnapshotAnswer__Output>
          SnapshotKey: MessageTypeDefinition<_containerd_services_snapshots_v1_SnapshotKey, _containerd_services_snapshots_v1_SnapshotKey__Output>
          SnapshotList: MessageTypeDefinition<_containerd_services_snapshots_v1_SnapshotList, _containerd_services_snapshots_v1_SnapshotList__Output>
          SnapshotMounts: MessageTypeDefinition<_containerd_services_snapshots_v1_SnapshotMounts, _containerd_services_snapshots_v1_SnapshotMounts__Output>
          SnapshotUsage: MessageTypeDefinition<_containerd_services_snapshots_v1_SnapshotUsage, _containerd_services_snapshots_v1_SnapshotUsage__Output>
          Snapshots: SubtypeConstructor<typeof grpc.Client, _containerd_services_snapshots_v1_SnapshotsClient> & { service: _containerd_services_snapshots_v1_SnapshotsDefinition }
        }
      }
    }
    types: {
      Descriptor: MessageTypeDefinition<_containerd_types_Descriptor, _containerd_types_Descriptor__Output>
      Mount: MessageTypeDefinition<_containerd_types_Mount, _containerd_types_Mount__Output>
    }
  }
  google: {
    protobuf: {
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

