// Original file: proto/images.proto


export interface ListImages {
  'filters'?: (string)[];
}

export interface ListImages__Output {
  'filters': (string)[];
}
