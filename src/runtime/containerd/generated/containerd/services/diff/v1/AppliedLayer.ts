// Original file: proto/diff.proto

import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from '../../../../containerd/types/Descriptor.ts';

export interface AppliedLayer {
  'applied'?: (_containerd_types_Descriptor | null);
}

export interface AppliedLayer__Output {
  'applied': (_containerd_types_Descriptor__Output | null);
}
