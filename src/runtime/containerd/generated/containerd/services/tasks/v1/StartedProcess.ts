// Original file: proto/tasks.proto


export interface StartedProcess {
  'pid'?: (number);
}

export interface StartedProcess__Output {
  'pid': (number);
}
