// Original file: proto/introspection.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { PluginFilters as _containerd_services_introspection_v1_PluginFilters, PluginFilters__Output as _containerd_services_introspection_v1_PluginFilters__Output } from '../../../../containerd/services/introspection/v1/PluginFilters.ts';
import type { PluginList as _containerd_services_introspection_v1_PluginList, PluginList__Output as _containerd_services_introspection_v1_PluginList__Output } from '../../../../containerd/services/introspection/v1/PluginList.ts';

export interface IntrospectionClient extends grpc.Client {
  Plugins(argument: _containerd_services_introspection_v1_PluginFilters, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  Plugins(argument: _containerd_services_introspection_v1_PluginFilters, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  Plugins(argument: _containerd_services_introspection_v1_PluginFilters, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  Plugins(argument: _containerd_services_introspection_v1_PluginFilters, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  plugins(argument: _containerd_services_introspection_v1_PluginFilters, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  plugins(argument: _containerd_services_introspection_v1_PluginFilters, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  plugins(argument: _containerd_services_introspection_v1_PluginFilters, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  plugins(argument: _containerd_services_introspection_v1_PluginFilters, callback: grpc.requestCallback<_containerd_services_introspection_v1_PluginList__Output>): grpc.ClientUnaryCall;
  
}

export interface IntrospectionHandlers extends grpc.UntypedServiceImplementation {
  Plugins: grpc.handleUnaryCall<_containerd_services_introspection_v1_PluginFilters__Output, _containerd_services_introspection_v1_PluginList>;
  
}

export interface IntrospectionDefinition extends grpc.ServiceDefinition {
  Plugins: MethodDefinition<_containerd_services_introspection_v1_PluginFilters, _containerd_services_introspection_v1_PluginList, _containerd_services_introspection_v1_PluginFilters__Output, _containerd_services_introspection_v1_PluginList__Output>
}
