// Original file: proto/snapshots.proto


export interface SnapshotKey {
  'snapshotter'?: (string);
  'key'?: (string);
}

export interface SnapshotKey__Output {
  'snapshotter': (string);
  'key': (string);
}
