// Original file: proto/containers.proto


export interface ListContainers {
  'filters'?: (string)[];
}

export interface ListContainers__Output {
  'filters': (string)[];
}
