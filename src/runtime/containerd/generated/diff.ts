import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AppliedLayer as _containerd_services_diff_v1_AppliedLayer, AppliedLayer__Output as _containerd_services_diff_v1_AppliedLayer__Output } from './containerd/services/diff/v1/AppliedLayer.ts';
import type { ApplyLayer as _containerd_services_diff_v1_ApplyLayer, ApplyLayer__Output as _containerd_services_diff_v1_ApplyLayer__Output } from './containerd/services/diff/v1/ApplyLayer.ts';
import type { DiffClient as _containerd_services_diff_v1_DiffClient, DiffDefinition as _containerd_services_diff_v1_DiffDefinition } from './containerd/services/diff/v1/Diff.ts';
import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from './containerd/types/Descriptor.ts';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from './containerd/types/Mount.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      diff: {
        v1: {
          AppliedLayer: MessageTypeDefinition<_containerd_services_diff_v1_AppliedLayer, _containerd_services_diff_v1_AppliedLayer__Output>
          ApplyLayer: MessageTypeDefinition<_containerd_services_diff_v1_ApplyLayer, _containerd_services_diff_v1_ApplyLayer__Output>
          Diff: SubtypeConstructor<typeof grpc.Client, _containerd_services_diff_v1_DiffClient> & { service: _containerd_services_diff_v1_DiffDefinition }
        }
      }
    }
    types: {
      Descriptor: MessageTypeDefinition<_containerd_types_Descriptor, _containerd_types_Descriptor__Output>
      Mount: MessageTypeDefinition<_containerd_types_Mount, _containerd_types_Mount__Output>
    }
  }
}

