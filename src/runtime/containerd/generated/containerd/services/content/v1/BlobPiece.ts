// Original file: proto/content.proto

import type { Long } from '@grpc/proto-loader';

export interface BlobPiece {
  'offset'?: (number | string | Long);
  'data'?: (Buffer | Uint8Array | string);
}

export interface BlobPiece__Output {
  'offset': (string);
  'data': (Buffer);
}
