// Original file: proto/snapshots.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CommitSnapshot as _containerd_services_snapshots_v1_CommitSnapshot, CommitSnapshot__Output as _containerd_services_snapshots_v1_CommitSnapshot__Output } from '../../../../containerd/services/snapshots/v1/CommitSnapshot.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { ListSnapshots as _containerd_services_snapshots_v1_ListSnapshots, ListSnapshots__Output as _containerd_services_snapshots_v1_ListSnapshots__Output } from '../../../../containerd/services/snapshots/v1/ListSnapshots.ts';
import type { PrepareSnapshot as _containerd_services_snapshots_v1_PrepareSnapshot, PrepareSnapshot__Output as _containerd_services_snapshots_v1_PrepareSnapshot__Output } from '../../../../containerd/services/snapshots/v1/PrepareSnapshot.ts';
import type { SnapshotAnswer as _containerd_services_snapshots_v1_SnapshotAnswer, SnapshotAnswer__Output as _containerd_services_snapshots_v1_SnapshotAnswer__Output } from '../../../../containerd/services/snapshots/v1/SnapshotAnswer.ts';
import type { SnapshotKey as _containerd_services_snapshots_v1_SnapshotKey, SnapshotKey__Output as _containerd_services_snapshots_v1_SnapshotKey__Output } from '../../../../containerd/services/snapshots/v1/SnapshotKey.ts';
import type { SnapshotList as _containerd_services_snapshots_v1_SnapshotList, SnapshotList__Output as _containerd_services_snapshots_v1_SnapshotList__Output } from '../../../../containerd/services/snapshots/v1/SnapshotList.ts';
import type { SnapshotMounts as _containerd_services_snapshots_v1_SnapshotMounts, SnapshotMounts__Output as _containerd_services_snapshots_v1_SnapshotMounts__Output } from '../../../../containerd/services/snapshots/v1/SnapshotMounts.ts';
import type { SnapshotUsage as _containerd_services_snapshots_v1_SnapshotUsage, SnapshotUsage__Output as _containerd_services_snapshots_v1_SnapshotUsage__Output } from '../../../../containerd/services/snapshots/v1/SnapshotUsage.ts';

export interface SnapshotsClient extends grpc.Client {
  Commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  commit(argument: _containerd_services_snapshots_v1_CommitSnapshot, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_snapshots_v1_ListSnapshots, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_snapshots_v1_SnapshotList__Output>;
  List(argument: _containerd_services_snapshots_v1_ListSnapshots, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_snapshots_v1_SnapshotList__Output>;
  list(argument: _containerd_services_snapshots_v1_ListSnapshots, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_snapshots_v1_SnapshotList__Output>;
  list(argument: _containerd_services_snapshots_v1_ListSnapshots, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_snapshots_v1_SnapshotList__Output>;
  
  Mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  mounts(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  
  Prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  Prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  prepare(argument: _containerd_services_snapshots_v1_PrepareSnapshot, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  
  Remove(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Remove(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Remove(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Remove(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  remove(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  remove(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  remove(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  remove(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Stat(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  Stat(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  Stat(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  Stat(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  stat(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  stat(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  stat(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  stat(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotAnswer__Output>): grpc.ClientUnaryCall;
  
  Usage(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  Usage(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  Usage(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  Usage(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  usage(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  usage(argument: _containerd_services_snapshots_v1_SnapshotKey, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  usage(argument: _containerd_services_snapshots_v1_SnapshotKey, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  usage(argument: _containerd_services_snapshots_v1_SnapshotKey, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotUsage__Output>): grpc.ClientUnaryCall;
  
  View(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  View(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  View(argument: _containerd_services_snapshots_v1_PrepareSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  View(argument: _containerd_services_snapshots_v1_PrepareSnapshot, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  view(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  view(argument: _containerd_services_snapshots_v1_PrepareSnapshot, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  view(argument: _containerd_services_snapshots_v1_PrepareSnapshot, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  view(argument: _containerd_services_snapshots_v1_PrepareSnapshot, callback: grpc.requestCallback<_containerd_services_snapshots_v1_SnapshotMounts__Output>): grpc.ClientUnaryCall;
  
}

export interface SnapshotsHandlers extends grpc.UntypedServiceImplementation {
  Commit: grpc.handleUnaryCall<_containerd_services_snapshots_v1_CommitSnapshot__Output, _google_protobuf_Empty>;
  
  List: grpc.handleServerStreamingCall<_containerd_services_snapshots_v1_ListSnapshots__Output, _containerd_services_snapshots_v1_SnapshotList>;
  
  Mounts: grpc.handleUnaryCall<_containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotMounts>;
  
  Prepare: grpc.handleUnaryCall<_containerd_services_snapshots_v1_PrepareSnapshot__Output, _containerd_services_snapshots_v1_SnapshotMounts>;
  
  Remove: grpc.handleUnaryCall<_containerd_services_snapshots_v1_SnapshotKey__Output, _google_protobuf_Empty>;
  
  Stat: grpc.handleUnaryCall<_containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotAnswer>;
  
  Usage: grpc.handleUnaryCall<_containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotUsage>;
  
  View: grpc.handleUnaryCall<_containerd_services_snapshots_v1_PrepareSnapshot__Output, _containerd_services_snapshots_v1_SnapshotMounts>;
  
}

export interface SnapshotsDefinition extends grpc.ServiceDefinition {
  Commit: MethodDefinition<_containerd_services_snapshots_v1_CommitSnapshot, _google_protobuf_Empty, _containerd_services_snapshots_v1_CommitSnapshot__Output, _google_protobuf_Empty__Output>
  List: MethodDefinition<_containerd_services_snapshots_v1_ListSnapshots, _containerd_services_snapshots_v1_SnapshotList, _containerd_services_snapshots_v1_ListSnapshots__Output, _containerd_services_snapshots_v1_SnapshotList__Output>
  Mounts: MethodDefinition<_containerd_services_snapshots_v1_SnapshotKey, _containerd_services_snapshots_v1_SnapshotMounts, _containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotMounts__Output>
  Prepare: MethodDefinition<_containerd_services_snapshots_v1_PrepareSnapshot, _containerd_services_snapshots_v1_SnapshotMounts, _containerd_services_snapshots_v1_PrepareSnapshot__Output, _containerd_services_snapshots_v1_SnapshotMounts__Output>
  Remove: MethodDefinition<_containerd_services_snapshots_v1_SnapshotKey, _google_protobuf_Empty, _containerd_services_snapshots_v1_SnapshotKey__Output, _google_protobuf_Empty__Output>
  Stat: MethodDefinition<_containerd_services_snapshots_v1_SnapshotKey, _containerd_services_snapshots_v1_SnapshotAnswer, _containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotAnswer__Output>
  Usage: MethodDefinition<_containerd_services_snapshots_v1_SnapshotKey, _containerd_services_snapshots_v1_SnapshotUsage, _containerd_services_snapshots_v1_SnapshotKey__Output, _containerd_services_snapshots_v1_SnapshotUsage__Output>
  View: MethodDefinition<_containerd_services_snapshots_v1_PrepareSnapshot, _containerd_services_snapshots_v1_SnapshotMounts, _containerd_services_snapshots_v1_PrepareSnapshot__Output, _containerd_services_snapshots_v1_SnapshotMounts__Output>
}
