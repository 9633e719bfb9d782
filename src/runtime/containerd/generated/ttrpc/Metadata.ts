// Original file: proto/ttrpc.proto


export interface Metadata {
  'key'?: (string);
  'value'?: (string);
}

export interface Metadata__Output {
  'key': (string);
  'value': (string);
}
