// Original file: proto/snapshots.proto

import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from '../../../../containerd/types/Mount.ts';

export interface SnapshotMounts {
  'mounts'?: (_containerd_types_Mount)[];
}

export interface SnapshotMounts__Output {
  'mounts': (_containerd_types_Mount__Output)[];
}
