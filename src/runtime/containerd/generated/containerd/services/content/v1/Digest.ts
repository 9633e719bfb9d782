// Original file: proto/content.proto


export interface Digest {
  'digest'?: (string);
}

export interface Digest__Output {
  'digest': (string);
}
