// Original file: proto/ttrpc.proto

import type { Metadata as _ttrpc_Metadata, Metadata__Output as _ttrpc_Metadata__Output } from '../ttrpc/Metadata.ts';
import type { Long } from '@grpc/proto-loader';

export interface Request {
  'service'?: (string);
  'method'?: (string);
  'payload'?: (Buffer | Uint8Array | string);
  'timeoutNano'?: (number | string | Long);
  'metadata'?: (_ttrpc_Metadata)[];
}

export interface Request__Output {
  'service': (string);
  'method': (string);
  'payload': (Buffer);
  'timeoutNano': (string);
  'metadata': (_ttrpc_Metadata__Output)[];
}
