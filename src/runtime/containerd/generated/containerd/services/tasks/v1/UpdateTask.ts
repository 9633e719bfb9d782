// Original file: proto/tasks.proto

import type { Any as _google_protobuf_Any, Any__Output as _google_protobuf_Any__Output } from '../../../../google/protobuf/Any.ts';

export interface UpdateTask {
  'containerId'?: (string);
  'resources'?: (_google_protobuf_Any | null);
}

export interface UpdateTask__Output {
  'containerId': (string);
  'resources': (_google_protobuf_Any__Output | null);
}
