// Original file: proto/leases.proto


export interface ListLeases {
  'filters'?: (string)[];
}

export interface ListLeases__Output {
  'filters': (string)[];
}
