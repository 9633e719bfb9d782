// Original file: proto/content.proto

import type { Ingest as _containerd_services_content_v1_Ingest, Ingest__Output as _containerd_services_content_v1_Ingest__Output } from '../../../../containerd/services/content/v1/Ingest.ts';

export interface IngestList {
  'statuses'?: (_containerd_services_content_v1_Ingest)[];
}

export interface IngestList__Output {
  'statuses': (_containerd_services_content_v1_Ingest__Output)[];
}
