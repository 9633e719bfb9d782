// Original file: proto/tasks.proto


export interface TaskRef {
  'containerId'?: (string);
}

export interface TaskRef__Output {
  'containerId': (string);
}
