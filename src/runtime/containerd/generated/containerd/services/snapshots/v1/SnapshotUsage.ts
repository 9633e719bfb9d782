// Original file: proto/snapshots.proto

import type { Long } from '@grpc/proto-loader';

export interface SnapshotUsage {
  'size'?: (number | string | Long);
  'inodes'?: (number | string | Long);
}

export interface SnapshotUsage__Output {
  'size': (string);
  'inodes': (string);
}
