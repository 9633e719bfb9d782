// Original file: proto/tasks.proto


export interface ListTasks {
  'filter'?: (string);
}

export interface ListTasks__Output {
  'filter': (string);
}
