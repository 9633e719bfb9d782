import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { WaitRequest as _containerd_task_WaitRequest, WaitRequest__Output as _containerd_task_WaitRequest__Output } from './containerd/task/WaitRequest.ts';
import type { WaitResponse as _containerd_task_WaitResponse, WaitResponse__Output as _containerd_task_WaitResponse__Output } from './containerd/task/WaitResponse.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    task: {
      WaitRequest: MessageTypeDefinition<_containerd_task_WaitRequest, _containerd_task_WaitRequest__Output>
      WaitResponse: MessageTypeDefinition<_containerd_task_WaitResponse, _containerd_task_WaitResponse__Output>
    }
  }
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

