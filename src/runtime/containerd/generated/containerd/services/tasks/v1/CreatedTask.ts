// Original file: proto/tasks.proto


export interface CreatedTask {
  'containerId'?: (string);
  'pid'?: (number);
}

export interface CreatedTask__Output {
  'containerId': (string);
  'pid': (number);
}
