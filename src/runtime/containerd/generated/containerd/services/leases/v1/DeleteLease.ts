// Original file: proto/leases.proto


export interface DeleteLease {
  'id'?: (string);
  'sync'?: (boolean);
}

export interface DeleteLease__Output {
  'id': (string);
  'sync': (boolean);
}
