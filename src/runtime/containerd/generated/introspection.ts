import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { InitError as _containerd_services_introspection_v1_InitError, InitError__Output as _containerd_services_introspection_v1_InitError__Output } from './containerd/services/introspection/v1/InitError.ts';
import type { IntrospectionClient as _containerd_services_introspection_v1_IntrospectionClient, IntrospectionDefinition as _containerd_services_introspection_v1_IntrospectionDefinition } from './containerd/services/introspection/v1/Introspection.ts';
import type { Plugin as _containerd_services_introspection_v1_Plugin, Plugin__Output as _containerd_services_introspection_v1_Plugin__Output } from './containerd/services/introspection/v1/Plugin.ts';
import type { PluginFilters as _containerd_services_introspection_v1_PluginFilters, PluginFilters__Output as _containerd_services_introspection_v1_PluginFilters__Output } from './containerd/services/introspection/v1/PluginFilters.ts';
import type { PluginList as _containerd_services_introspection_v1_PluginList, PluginList__Output as _containerd_services_introspection_v1_PluginList__Output } from './containerd/services/introspection/v1/PluginList.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      introspection: {
        v1: {
          InitError: MessageTypeDefinition<_containerd_services_introspection_v1_InitError, _containerd_services_introspection_v1_InitError__Output>
          Introspection: SubtypeConstructor<typeof grpc.Client, _containerd_services_introspection_v1_IntrospectionClient> & { service: _containerd_services_introspection_v1_IntrospectionDefinition }
          Plugin: MessageTypeDefinition<_containerd_services_introspection_v1_Plugin, _containerd_services_introspection_v1_Plugin__Output>
          PluginFilters: MessageTypeDefinition<_containerd_services_introspection_v1_PluginFilters, _containerd_services_introspection_v1_PluginFilters__Output>
          PluginList: MessageTypeDefinition<_containerd_services_introspection_v1_PluginList, _containerd_services_introspection_v1_PluginList__Output>
        }
      }
    }
  }
}

