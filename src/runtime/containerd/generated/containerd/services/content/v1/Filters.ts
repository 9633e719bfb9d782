// Original file: proto/content.proto


export interface Filters {
  'filters'?: (string)[];
}

export interface Filters__Output {
  'filters': (string)[];
}
