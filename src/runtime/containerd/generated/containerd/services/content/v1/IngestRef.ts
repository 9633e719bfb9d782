// Original file: proto/content.proto


export interface IngestRef {
  'ref'?: (string);
}

export interface IngestRef__Output {
  'ref': (string);
}
