// Original file: proto/diff.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AppliedLayer as _containerd_services_diff_v1_AppliedLayer, AppliedLayer__Output as _containerd_services_diff_v1_AppliedLayer__Output } from '../../../../containerd/services/diff/v1/AppliedLayer.ts';
import type { ApplyLayer as _containerd_services_diff_v1_ApplyLayer, ApplyLayer__Output as _containerd_services_diff_v1_ApplyLayer__Output } from '../../../../containerd/services/diff/v1/ApplyLayer.ts';

export interface DiffClient extends grpc.Client {
  Apply(argument: _containerd_services_diff_v1_ApplyLayer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  Apply(argument: _containerd_services_diff_v1_ApplyLayer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  Apply(argument: _containerd_services_diff_v1_ApplyLayer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  Apply(argument: _containerd_services_diff_v1_ApplyLayer, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  apply(argument: _containerd_services_diff_v1_ApplyLayer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  apply(argument: _containerd_services_diff_v1_ApplyLayer, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  apply(argument: _containerd_services_diff_v1_ApplyLayer, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  apply(argument: _containerd_services_diff_v1_ApplyLayer, callback: grpc.requestCallback<_containerd_services_diff_v1_AppliedLayer__Output>): grpc.ClientUnaryCall;
  
}

export interface DiffHandlers extends grpc.UntypedServiceImplementation {
  Apply: grpc.handleUnaryCall<_containerd_services_diff_v1_ApplyLayer__Output, _containerd_services_diff_v1_AppliedLayer>;
  
}

export interface DiffDefinition extends grpc.ServiceDefinition {
  Apply: MethodDefinition<_containerd_services_diff_v1_ApplyLayer, _containerd_services_diff_v1_AppliedLayer, _containerd_services_diff_v1_ApplyLayer__Output, _containerd_services_diff_v1_AppliedLayer__Output>
}
