// Original file: proto/shim.proto


export interface WaitRequest {
  'id'?: (string);
  'execId'?: (string);
}

export interface WaitRequest__Output {
  'id': (string);
  'execId': (string);
}
