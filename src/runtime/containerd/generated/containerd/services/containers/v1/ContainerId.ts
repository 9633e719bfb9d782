// Original file: proto/containers.proto


export interface ContainerId {
  'id'?: (string);
}

export interface ContainerId__Output {
  'id': (string);
}
