// Original file: proto/runc_options.proto


export interface Options {
  'binaryName'?: (string);
  'root'?: (string);
  'systemdCgroup'?: (boolean);
}

export interface Options__Output {
  'binaryName': (string);
  'root': (string);
  'systemdCgroup': (boolean);
}
