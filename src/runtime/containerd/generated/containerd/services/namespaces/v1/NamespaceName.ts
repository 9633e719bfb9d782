// Original file: proto/namespaces.proto


export interface NamespaceName {
  'name'?: (string);
}

export interface NamespaceName__Output {
  'name': (string);
}
