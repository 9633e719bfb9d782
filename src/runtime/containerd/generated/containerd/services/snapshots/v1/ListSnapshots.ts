// Original file: proto/snapshots.proto


export interface ListSnapshots {
  'snapshotter'?: (string);
  'filters'?: (string)[];
}

export interface ListSnapshots__Output {
  'snapshotter': (string);
  'filters': (string)[];
}
