// Original file: proto/tasks.proto


export interface ProcessRef {
  'containerId'?: (string);
  'execId'?: (string);
}

export interface ProcessRef__Output {
  'containerId': (string);
  'execId': (string);
}
