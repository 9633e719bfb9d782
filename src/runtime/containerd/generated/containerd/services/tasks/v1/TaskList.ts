// Original file: proto/tasks.proto

import type { Process as _containerd_v1_types_Process, Process__Output as _containerd_v1_types_Process__Output } from '../../../../containerd/v1/types/Process.ts';

export interface TaskList {
  'tasks'?: (_containerd_v1_types_Process)[];
}

export interface TaskList__Output {
  'tasks': (_containerd_v1_types_Process__Output)[];
}
