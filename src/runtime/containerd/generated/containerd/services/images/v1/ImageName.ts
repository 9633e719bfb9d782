// Original file: proto/images.proto


export interface ImageName {
  'name'?: (string);
}

export interface ImageName__Output {
  'name': (string);
}
