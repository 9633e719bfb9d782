import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { CreateTask as _containerd_services_tasks_v1_CreateTask, CreateTask__Output as _containerd_services_tasks_v1_CreateTask__Output } from './containerd/services/tasks/v1/CreateTask.ts';
import type { CreatedTask as _containerd_services_tasks_v1_CreatedTask, CreatedTask__Output as _containerd_services_tasks_v1_CreatedTask__Output } from './containerd/services/tasks/v1/CreatedTask.ts';
import type { DeletedProcess as _containerd_services_tasks_v1_DeletedProcess, DeletedProcess__Output as _containerd_services_tasks_v1_DeletedProcess__Output } from './containerd/services/tasks/v1/DeletedProcess.ts';
import type { ExecProcess as _containerd_services_tasks_v1_ExecProcess, ExecProcess__Output as _containerd_services_tasks_v1_ExecProcess__Output } from './containerd/services/tasks/v1/ExecProcess.ts';
import type { KillProcess as _containerd_services_tasks_v1_KillProcess, KillProcess__Output as _containerd_services_tasks_v1_KillProcess__Output } from './containerd/services/tasks/v1/KillProcess.ts';
import type { ListTasks as _containerd_services_tasks_v1_ListTasks, ListTasks__Output as _containerd_services_tasks_v1_ListTasks__Output } from './containerd/services/tasks/v1/ListTasks.ts';
import type { PidList as _containerd_services_tasks_v1_PidList, PidList__Output as _containerd_services_tasks_v1_PidList__Output } from './containerd/services/tasks/v1/PidList.ts';
import type { ProcessAnswer as _containerd_services_tasks_v1_ProcessAnswer, ProcessAnswer__Output as _containerd_services_tasks_v1_ProcessAnswer__Output } from './containerd/services/tasks/v1/ProcessAnswer.ts';
import type { ProcessExit as _containerd_services_tasks_v1_ProcessExit, ProcessExit__Output as _containerd_services_tasks_v1_ProcessExit__Output } from './containerd/services/tasks/v1/ProcessExit.ts';
import type { ProcessRef as _containerd_services_tasks_v1_ProcessRef, ProcessRef__Output as _containerd_services_tasks_v1_ProcessRef__Output } from './containerd/services/tasks/v1/ProcessRef.ts';
import type { StartedProcess as _containerd_services_tasks_v1_StartedProcess, StartedProcess__Output as _containerd_services_tasks_v1_StartedProcess__Output } from './containerd/services/tasks/v1/StartedProcess.ts';
import type { TaskList as _containerd_services_tasks_v1_TaskList, TaskList__Output as _containerd_services_tasks_v1_TaskList__Output } from './containerd/services/tasks/v1/TaskList.ts';
import type { TaskRef as _containerd_services_tasks_v1_TaskRef, TaskRef__Output as _containerd_services_tasks_v1_TaskRef__Output } from './containerd/services/tasks/v1/TaskRef.ts';
import type { TasksClient as _containerd_services_tasks_v1_TasksClient, TasksDefinition as _containerd_services_tasks_v1_TasksDefinition } from './containerd/services/tasks/v1/Tasks.ts';
import type { UpdateTask as _containerd_services_tasks_v1_UpdateTask, UpdateTask__Output as _containerd_services_tasks_v1_UpdateTask__Output } from './containerd/services/tasks/v1/UpdateTask.ts';
import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from './containerd/types/Descriptor.ts';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from './containerd/types/Mount.ts';
import type { Process as _containerd_v1_types_Process, Process__Output as _containerd_v1_types_Process__Output } from './containerd/v1/types/Process.ts';
import type { ProcessPid as _containerd_v1_types_ProcessPid, ProcessPid__Output as _containerd_v1_types_ProcessPid__Output } from './containerd/v1/types/ProcessPid.ts';
import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from './google/protobuf/Any.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      tasks: {
        v1: {
          CreateTask: MessageTypeDefinition<_containerd_services_tasks_v1_CreateTask, _containerd_services_tasks_v1_CreateTask__Output>
          CreatedTask: MessageTypeDefinition<_containerd_services_tasks_v1_CreatedTask, _containerd_services_tasks_v1_CreatedTask__Output>
          DeletedProcess: MessageTypeDefinition<_containerd_services_tasks_v1_DeletedProcess, _containerd_services_tasks_v1_DeletedProcess__Output>
          ExecProcess: MessageTypeDefinition<_containerd_services_tasks_v1_ExecProcess, _containerd_services_tasks_v1_ExecProcess__Output>
          KillProcess: MessageTypeDefinition<_containerd_services_tasks_v1_KillProcess, _containerd_services_tasks_v1_KillProcess__Output>
          ListTasks: MessageTypeDefinition<_containerd_services_tasks_v1_ListTasks, _containerd_services_tasks_v1_ListTasks__Output>
          PidList: MessageTypeDefinition<_containerd_services_tasks_v1_PidList, _containerd_services_tasks_v1_PidList__Output>
          ProcessAnswer: MessageTypeDefinition<_containerd_services_tasks_v1_ProcessAnswer, _containerd_services_tasks_v1_ProcessAnswer__Output>
          ProcessExit: MessageTypeDefinition<_containerd_services_tasks_v1_ProcessExit, _containerd_services_tasks_v1_ProcessExit__Output>
          ProcessRef: MessageTypeDefinition<_containerd_services_tasks_v1_ProcessRef, _containerd_services_tasks_v1_ProcessRef__Output>
          StartedProcess: MessageTypeDefinition<_containerd_services_tasks_v1_StartedProcess, _containerd_services_tasks_v1_StartedProcess__Output>
          TaskList: MessageTypeDefinition<_containerd_services_tasks_v1_TaskList, _containerd_services_tasks_v1_TaskList__Output>
          TaskRef: MessageTypeDefinition<_containerd_services_tasks_v1_TaskRef, _containerd_services_tasks_v1_TaskRef__Output>
          Tasks: SubtypeConstructor<typeof grpc.Client, _containerd_services_tasks_v1_TasksClient> & { service: _containerd_services_tasks_v1_TasksDefinition }
          UpdateTask: MessageTypeDefinition<_containerd_services_tasks_v1_UpdateTask, _containerd_services_tasks_v1_UpdateTask__Output>
        }
      }
    }
    types: {
      Descriptor: MessageTypeDefinition<_containerd_types_Descriptor, _containerd_types_Descriptor__Output>
      Mount: MessageTypeDefinition<_containerd_types_Mount, _containerd_types_Mount__Output>
    }
    v1: {
      types: {
        Process: MessageTypeDefinition<_containerd_v1_types_Process, _containerd_v1_types_Process__Output>
        ProcessPid: MessageTypeDefinition<_containerd_v1_types_ProcessPid, _containerd_v1_types_ProcessPid__Output>
        Status: EnumTypeDefinition
      }
    }
  }
  google: {
    protobuf: {
      Any: MessageTypeDefinition<_google_protobuf_Any, _google_protobuf_Any__Output>
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

