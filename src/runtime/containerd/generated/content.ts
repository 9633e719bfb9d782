import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { BlobPiece as _containerd_services_content_v1_BlobPiece, BlobPiece__Output as _containerd_services_content_v1_BlobPiece__Output } from './containerd/services/content/v1/BlobPiece.ts';
import type { ContentClient as _containerd_services_content_v1_ContentClient, ContentDefinition as _containerd_services_content_v1_ContentDefinition } from './containerd/services/content/v1/Content.ts';
import type { Digest as _containerd_services_content_v1_Digest, Digest__Output as _containerd_services_content_v1_Digest__Output } from './containerd/services/content/v1/Digest.ts';
import type { Filters as _containerd_services_content_v1_Filters, Filters__Output as _containerd_services_content_v1_Filters__Output } from './containerd/services/content/v1/Filters.ts';
import type { Info as _containerd_services_content_v1_Info, Info__Output as _containerd_services_content_v1_Info__Output } from './containerd/services/content/v1/Info.ts';
import type { InfoAnswer as _containerd_services_content_v1_InfoAnswer, InfoAnswer__Output as _containerd_services_content_v1_InfoAnswer__Output } from './containerd/services/content/v1/InfoAnswer.ts';
import type { InfoList as _containerd_services_content_v1_InfoList, InfoList__Output as _containerd_services_content_v1_InfoList__Output } from './containerd/services/content/v1/InfoList.ts';
import type { Ingest as _containerd_services_content_v1_Ingest, Ingest__Output as _containerd_services_content_v1_Ingest__Output } from './containerd/services/content/v1/Ingest.ts';
import type { IngestList as _containerd_services_content_v1_IngestList, IngestList__Output as _containerd_services_content_v1_IngestList__Output } from './containerd/services/content/v1/IngestList.ts';
import type { IngestRef as _containerd_services_content_v1_IngestRef, IngestRef__Output as _containerd_services_content_v1_IngestRef__Output } from './containerd/services/content/v1/IngestRef.ts';
import type { ReadBlob as _containerd_services_content_v1_ReadBlob, ReadBlob__Output as _containerd_services_content_v1_ReadBlob__Output } from './containerd/services/content/v1/ReadBlob.ts';
import type { UpdateInfo as _containerd_services_content_v1_UpdateInfo, UpdateInfo__Output as _containerd_services_content_v1_UpdateInfo__Output } from './containerd/services/content/v1/UpdateInfo.ts';
import type { WriteRequest as _containerd_services_content_v1_WriteRequest, WriteRequest__Output as _containerd_services_content_v1_WriteRequest__Output } from './containerd/services/content/v1/WriteRequest.ts';
import type { WriteResponse as _containerd_services_content_v1_WriteResponse, WriteResponse__Output as _containerd_services_content_v1_WriteResponse__Output } from './containerd/services/content/v1/WriteResponse.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { FieldMask as _google_protobuf_FieldMask, FieldMask__Output as _google_protobuf_FieldMask__Output } from './google/protobuf/FieldMask.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      content: {
        v1: {
          BlobPiece: MessageTypeDefinition<_containerd_services_content_v1_BlobPiece, _containerd_services_content_v1_BlobPiece__Output>
          Content: SubtypeConstructor<typeof grpc.Client, _containerd_services_content_v1_ContentClient> & { service: _containerd_services_content_v1_ContentDefinition }
          Digest: MessageTypeDefinition<_containerd_services_content_v1_Digest, _containerd_services_content_v1_Digest__Output>
          Filters: MessageTypeDefinition<_containerd_services_content_v1_Filters, _containerd_services_content_v1_Filters__Output>
          Info: MessageTypeDefinition<_containerd_services_content_v1_Info, _containerd_services_content_v1_Info__Output>
          InfoAnswer: MessageTypeDefinition<_containerd_services_content_v1_InfoAnswer, _containerd_services_content_v1_InfoAnswer__Output>
          InfoList: MessageTypeDefinition<_containerd_services_content_v1_InfoList, _containerd_services_content_v1_InfoList__Output>
          Ingest: MessageTypeDefinition<_containerd_services_content_v1_Ingest, _containerd_services_content_v1_Ingest__Output>
          IngestList: MessageTypeDefinition<_containerd_services_content_v1_IngestList, _containerd_services_content_v1_IngestList__Output>
          IngestRef: MessageTypeDefinition<_containerd_services_content_v1_IngestRef, _containerd_services_content_v1_IngestRef__Output>
          ReadBlob: MessageTypeDefinition<_containerd_services_content_v1_ReadBlob, _containerd_services_content_v1_ReadBlob__Output>
          UpdateInfo: MessageTypeDefinition<_containerd_services_content_v1_UpdateInfo, _containerd_services_content_v1_UpdateInfo__Output>
          WriteAction: EnumTypeDefinition
          WriteRequest: MessageTypeDefinition<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteRequest__Output>
          WriteResponse: MessageTypeDefinition<_containerd_services_content_v1_WriteResponse, _containerd_services_content_v1_WriteResponse__Output>
        }
      }
    }
  }
  google: {
    protobuf: {
      Empty: MessageTypeDefinition<_google_protobuf_Empty, _google_protobuf_Empty__Output>
      FieldMask: MessageTypeDefinition<_google_protobuf_FieldMask, _google_protobuf_FieldMask__Output>
      Timestamp: MessageTypeDefinition<_google_protobuf_Timestamp, _google_protobuf_Timestamp__Output>
    }
  }
}

