// Original file: proto/process.proto


export interface ProcessPid {
  'pid'?: (number);
}

export interface ProcessPid__Output {
  'pid': (number);
}
