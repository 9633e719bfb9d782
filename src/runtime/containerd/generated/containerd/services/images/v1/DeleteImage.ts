// Original file: proto/images.proto


export interface DeleteImage {
  'name'?: (string);
  'sync'?: (boolean);
}

export interface DeleteImage__Output {
  'name': (string);
  'sync': (boolean);
}
