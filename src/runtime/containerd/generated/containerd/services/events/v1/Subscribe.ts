// Original file: proto/events.proto


export interface Subscribe {
  'filters'?: (string)[];
}

export interface Subscribe__Output {
  'filters': (string)[];
}
