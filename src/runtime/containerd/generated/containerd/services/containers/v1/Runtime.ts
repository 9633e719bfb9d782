// Original file: proto/containers.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.ts';

export interface Runtime {
  'name'?: (string);
  'options'?: (_google_protobuf_Any | null);
}

export interface Runtime__Output {
  'name': (string);
  'options': (_google_protobuf_Any__Output | null);
}
