// Original file: proto/introspection.proto


export interface InitError {
  'code'?: (number);
  'message'?: (string);
}

export interface InitError__Output {
  'code': (number);
  'message': (string);
}
