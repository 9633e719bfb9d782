// Original file: proto/version.proto


export interface VersionAnswer {
  'version'?: (string);
  'revision'?: (string);
}

export interface VersionAnswer__Output {
  'version': (string);
  'revision': (string);
}
