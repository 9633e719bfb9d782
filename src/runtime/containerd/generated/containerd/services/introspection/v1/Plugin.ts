// Original file: proto/introspection.proto

import type { InitError as _containerd_services_introspection_v1_InitError, InitError__Output as _containerd_services_introspection_v1_InitError__Output } from '../../../../containerd/services/introspection/v1/InitError.ts';

export interface Plugin {
  'type'?: (string);
  'id'?: (string);
  'exports'?: ({[key: string]: string});
  'capabilities'?: (string)[];
  'initErr'?: (_containerd_services_introspection_v1_InitError | null);
}

export interface Plugin__Output {
  'type': (string);
  'id': (string);
  'exports': ({[key: string]: string});
  'capabilities': (string)[];
  'initErr': (_containerd_services_introspection_v1_InitError__Output | null);
}
