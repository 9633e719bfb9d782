// Original file: proto/tasks.proto

import type { ProcessPid as _containerd_v1_types_ProcessPid, ProcessPid__Output as _containerd_v1_types_ProcessPid__Output } from '../../../../containerd/v1/types/ProcessPid.ts';

export interface PidList {
  'processes'?: (_containerd_v1_types_ProcessPid)[];
}

export interface PidList__Output {
  'processes': (_containerd_v1_types_ProcessPid__Output)[];
}
