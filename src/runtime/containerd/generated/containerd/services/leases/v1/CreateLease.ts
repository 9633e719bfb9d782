// Original file: proto/leases.proto


export interface CreateLease {
  'id'?: (string);
  'labels'?: ({[key: string]: string});
}

export interface CreateLease__Output {
  'id': (string);
  'labels': ({[key: string]: string});
}
