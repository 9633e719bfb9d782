import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Metadata as _ttrpc_Metadata, Metadata__Output as _ttrpc_Metadata__Output } from './ttrpc/Metadata.ts';
import type { Request as _ttrpc_Request, Request__Output as _ttrpc_Request__Output } from './ttrpc/Request.ts';
import type { Response as _ttrpc_Response, Response__Output as _ttrpc_Response__Output } from './ttrpc/Response.ts';
import type { Status as _ttrpc_Status, Status__Output as _ttrpc_Status__Output } from './ttrpc/Status.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  ttrpc: {
    Metadata: MessageTypeDefinition<_ttrpc_Metadata, _ttrpc_Metadata__Output>
    Request: MessageTypeDefinition<_ttrpc_Request, _ttrpc_Request__Output>
    Response: MessageTypeDefinition<_ttrpc_Response, _ttrpc_Response__Output>
    Status: MessageTypeDefinition<_ttrpc_Status, _ttrpc_Status__Output>
  }
}

