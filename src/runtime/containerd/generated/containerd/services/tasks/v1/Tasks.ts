// Original file: proto/tasks.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateTask as _containerd_services_tasks_v1_CreateTask, CreateTask__Output as _containerd_services_tasks_v1_CreateTask__Output } from '../../../../containerd/services/tasks/v1/CreateTask.ts';
import type { CreatedTask as _containerd_services_tasks_v1_CreatedTask, CreatedTask__Output as _containerd_services_tasks_v1_CreatedTask__Output } from '../../../../containerd/services/tasks/v1/CreatedTask.ts';
import type { DeletedProcess as _containerd_services_tasks_v1_DeletedProcess, DeletedProcess__Output as _containerd_services_tasks_v1_DeletedProcess__Output } from '../../../../containerd/services/tasks/v1/DeletedProcess.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { ExecProcess as _containerd_services_tasks_v1_ExecProcess, ExecProcess__Output as _containerd_services_tasks_v1_ExecProcess__Output } from '../../../../containerd/services/tasks/v1/ExecProcess.ts';
import type { KillProcess as _containerd_services_tasks_v1_KillProcess, KillProcess__Output as _containerd_services_tasks_v1_KillProcess__Output } from '../../../../containerd/services/tasks/v1/KillProcess.ts';
import type { ListTasks as _containerd_services_tasks_v1_ListTasks, ListTasks__Output as _containerd_services_tasks_v1_ListTasks__Output } from '../../../../containerd/services/tasks/v1/ListTasks.ts';
import type { PidList as _containerd_services_tasks_v1_PidList, PidList__Output as _containerd_services_tasks_v1_PidList__Output } from '../../../../containerd/services/tasks/v1/PidList.ts';
import type { ProcessAnswer as _containerd_services_tasks_v1_ProcessAnswer, ProcessAnswer__Output as _containerd_services_tasks_v1_ProcessAnswer__Output } from '../../../../containerd/services/tasks/v1/ProcessAnswer.ts';
import type { ProcessExit as _containerd_services_tasks_v1_ProcessExit, ProcessExit__Output as _containerd_services_tasks_v1_ProcessExit__Output } from '../../../../containerd/services/tasks/v1/ProcessExit.ts';
import type { ProcessRef as _containerd_services_tasks_v1_ProcessRef, ProcessRef__Output as _containerd_services_tasks_v1_ProcessRef__Output } from '../../../../containerd/services/tasks/v1/ProcessRef.ts';
import type { StartedProcess as _containerd_services_tasks_v1_StartedProcess, StartedProcess__Output as _containerd_services_tasks_v1_StartedProcess__Output } from '../../../../containerd/services/tasks/v1/StartedProcess.ts';
import type { TaskList as _containerd_services_tasks_v1_TaskList, TaskList__Output as _containerd_services_tasks_v1_TaskList__Output } from '../../../../containerd/services/tasks/v1/TaskList.ts';
import type { TaskRef as _containerd_services_tasks_v1_TaskRef, TaskRef__Output as _containerd_services_tasks_v1_TaskRef__Output } from '../../../../containerd/services/tasks/v1/TaskRef.ts';
import type { UpdateTask as _containerd_services_tasks_v1_UpdateTask, UpdateTask__Output as _containerd_services_tasks_v1_UpdateTask__Output } from '../../../../containerd/services/tasks/v1/UpdateTask.ts';

export interface TasksClient extends grpc.Client {
  Create(argument: _containerd_services_tasks_v1_CreateTask, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_tasks_v1_CreateTask, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_tasks_v1_CreateTask, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_tasks_v1_CreateTask, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_tasks_v1_CreateTask, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_tasks_v1_CreateTask, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_tasks_v1_CreateTask, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_tasks_v1_CreateTask, callback: grpc.requestCallback<_containerd_services_tasks_v1_CreatedTask__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_tasks_v1_TaskRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_tasks_v1_TaskRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_tasks_v1_TaskRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_tasks_v1_TaskRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  
  DeleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  DeleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  DeleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  DeleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  deleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  deleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  deleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  deleteProcess(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_DeletedProcess__Output>): grpc.ClientUnaryCall;
  
  Exec(argument: _containerd_services_tasks_v1_ExecProcess, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Exec(argument: _containerd_services_tasks_v1_ExecProcess, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Exec(argument: _containerd_services_tasks_v1_ExecProcess, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Exec(argument: _containerd_services_tasks_v1_ExecProcess, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  exec(argument: _containerd_services_tasks_v1_ExecProcess, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  exec(argument: _containerd_services_tasks_v1_ExecProcess, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  exec(argument: _containerd_services_tasks_v1_ExecProcess, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  exec(argument: _containerd_services_tasks_v1_ExecProcess, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessAnswer__Output>): grpc.ClientUnaryCall;
  
  Kill(argument: _containerd_services_tasks_v1_KillProcess, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Kill(argument: _containerd_services_tasks_v1_KillProcess, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Kill(argument: _containerd_services_tasks_v1_KillProcess, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Kill(argument: _containerd_services_tasks_v1_KillProcess, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  kill(argument: _containerd_services_tasks_v1_KillProcess, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  kill(argument: _containerd_services_tasks_v1_KillProcess, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  kill(argument: _containerd_services_tasks_v1_KillProcess, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  kill(argument: _containerd_services_tasks_v1_KillProcess, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_tasks_v1_ListTasks, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_tasks_v1_ListTasks, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_tasks_v1_ListTasks, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_tasks_v1_ListTasks, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_tasks_v1_ListTasks, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_tasks_v1_ListTasks, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_tasks_v1_ListTasks, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_tasks_v1_ListTasks, callback: grpc.requestCallback<_containerd_services_tasks_v1_TaskList__Output>): grpc.ClientUnaryCall;
  
  ListPids(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  ListPids(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  ListPids(argument: _containerd_services_tasks_v1_TaskRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  ListPids(argument: _containerd_services_tasks_v1_TaskRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  listPids(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  listPids(argument: _containerd_services_tasks_v1_TaskRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  listPids(argument: _containerd_services_tasks_v1_TaskRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  listPids(argument: _containerd_services_tasks_v1_TaskRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_PidList__Output>): grpc.ClientUnaryCall;
  
  Start(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  Start(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  Start(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  Start(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  start(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  start(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  start(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  start(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_StartedProcess__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _containerd_services_tasks_v1_UpdateTask, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_tasks_v1_UpdateTask, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_tasks_v1_UpdateTask, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_tasks_v1_UpdateTask, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_tasks_v1_UpdateTask, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_tasks_v1_UpdateTask, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_tasks_v1_UpdateTask, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_tasks_v1_UpdateTask, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Wait(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  Wait(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  Wait(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  Wait(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  wait(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  wait(argument: _containerd_services_tasks_v1_ProcessRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  wait(argument: _containerd_services_tasks_v1_ProcessRef, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  wait(argument: _containerd_services_tasks_v1_ProcessRef, callback: grpc.requestCallback<_containerd_services_tasks_v1_ProcessExit__Output>): grpc.ClientUnaryCall;
  
}

export interface TasksHandlers extends grpc.UntypedServiceImplementation {
  Create: grpc.handleUnaryCall<_containerd_services_tasks_v1_CreateTask__Output, _containerd_services_tasks_v1_CreatedTask>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_tasks_v1_TaskRef__Output, _containerd_services_tasks_v1_DeletedProcess>;
  
  DeleteProcess: grpc.handleUnaryCall<_containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_DeletedProcess>;
  
  Exec: grpc.handleUnaryCall<_containerd_services_tasks_v1_ExecProcess__Output, _google_protobuf_Empty>;
  
  Get: grpc.handleUnaryCall<_containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_ProcessAnswer>;
  
  Kill: grpc.handleUnaryCall<_containerd_services_tasks_v1_KillProcess__Output, _google_protobuf_Empty>;
  
  List: grpc.handleUnaryCall<_containerd_services_tasks_v1_ListTasks__Output, _containerd_services_tasks_v1_TaskList>;
  
  ListPids: grpc.handleUnaryCall<_containerd_services_tasks_v1_TaskRef__Output, _containerd_services_tasks_v1_PidList>;
  
  Start: grpc.handleUnaryCall<_containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_StartedProcess>;
  
  Update: grpc.handleUnaryCall<_containerd_services_tasks_v1_UpdateTask__Output, _google_protobuf_Empty>;
  
  Wait: grpc.handleUnaryCall<_containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_ProcessExit>;
  
}

export interface TasksDefinition extends grpc.ServiceDefinition {
  Create: MethodDefinition<_containerd_services_tasks_v1_CreateTask, _containerd_services_tasks_v1_CreatedTask, _containerd_services_tasks_v1_CreateTask__Output, _containerd_services_tasks_v1_CreatedTask__Output>
  Delete: MethodDefinition<_containerd_services_tasks_v1_TaskRef, _containerd_services_tasks_v1_DeletedProcess, _containerd_services_tasks_v1_TaskRef__Output, _containerd_services_tasks_v1_DeletedProcess__Output>
  DeleteProcess: MethodDefinition<_containerd_services_tasks_v1_ProcessRef, _containerd_services_tasks_v1_DeletedProcess, _containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_DeletedProcess__Output>
  Exec: MethodDefinition<_containerd_services_tasks_v1_ExecProcess, _google_protobuf_Empty, _containerd_services_tasks_v1_ExecProcess__Output, _google_protobuf_Empty__Output>
  Get: MethodDefinition<_containerd_services_tasks_v1_ProcessRef, _containerd_services_tasks_v1_ProcessAnswer, _containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_ProcessAnswer__Output>
  Kill: MethodDefinition<_containerd_services_tasks_v1_KillProcess, _google_protobuf_Empty, _containerd_services_tasks_v1_KillProcess__Output, _google_protobuf_Empty__Output>
  List: MethodDefinition<_containerd_services_tasks_v1_ListTasks, _containerd_services_tasks_v1_TaskList, _containerd_services_tasks_v1_ListTasks__Output, _containerd_services_tasks_v1_TaskList__Output>
  ListPids: MethodDefinition<_containerd_services_tasks_v1_TaskRef, _containerd_services_tasks_v1_PidList, _containerd_services_tasks_v1_TaskRef__Output, _containerd_services_tasks_v1_PidList__Output>
  Start: MethodDefinition<_containerd_services_tasks_v1_ProcessRef, _containerd_services_tasks_v1_StartedProcess, _containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_StartedProcess__Output>
  Update: MethodDefinition<_containerd_services_tasks_v1_UpdateTask, _google_protobuf_Empty, _containerd_services_tasks_v1_UpdateTask__Output, _google_protobuf_Empty__Output>
  Wait: MethodDefinition<_containerd_services_tasks_v1_ProcessRef, _containerd_services_tasks_v1_ProcessExit, _containerd_services_tasks_v1_ProcessRef__Output, _containerd_services_tasks_v1_ProcessExit__Output>
}
