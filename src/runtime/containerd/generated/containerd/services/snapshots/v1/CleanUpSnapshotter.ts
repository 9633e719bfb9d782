// Original file: proto/snapshots.proto


export interface CleanUpSnapshotter {
  'snapshotter'?: (string);
}

export interface CleanUpSnapshotter__Output {
  'snapshotter': (string);
}
