// Original file: proto/content.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { BlobPiece as _containerd_services_content_v1_BlobPiece, BlobPiece__Output as _containerd_services_content_v1_BlobPiece__Output } from '../../../../containerd/services/content/v1/BlobPiece.ts';
import type { Digest as _containerd_services_content_v1_Digest, Digest__Output as _containerd_services_content_v1_Digest__Output } from '../../../../containerd/services/content/v1/Digest.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { Filters as _containerd_services_content_v1_Filters, Filters__Output as _containerd_services_content_v1_Filters__Output } from '../../../../containerd/services/content/v1/Filters.ts';
import type { InfoAnswer as _containerd_services_content_v1_InfoAnswer, InfoAnswer__Output as _containerd_services_content_v1_InfoAnswer__Output } from '../../../../containerd/services/content/v1/InfoAnswer.ts';
import type { InfoList as _containerd_services_content_v1_InfoList, InfoList__Output as _containerd_services_content_v1_InfoList__Output } from '../../../../containerd/services/content/v1/InfoList.ts';
import type { IngestList as _containerd_services_content_v1_IngestList, IngestList__Output as _containerd_services_content_v1_IngestList__Output } from '../../../../containerd/services/content/v1/IngestList.ts';
import type { IngestRef as _containerd_services_content_v1_IngestRef, IngestRef__Output as _containerd_services_content_v1_IngestRef__Output } from '../../../../containerd/services/content/v1/IngestRef.ts';
import type { ReadBlob as _containerd_services_content_v1_ReadBlob, ReadBlob__Output as _containerd_services_content_v1_ReadBlob__Output } from '../../../../containerd/services/content/v1/ReadBlob.ts';
import type { UpdateInfo as _containerd_services_content_v1_UpdateInfo, UpdateInfo__Output as _containerd_services_content_v1_UpdateInfo__Output } from '../../../../containerd/services/content/v1/UpdateInfo.ts';
import type { WriteRequest as _containerd_services_content_v1_WriteRequest, WriteRequest__Output as _containerd_services_content_v1_WriteRequest__Output } from '../../../../containerd/services/content/v1/WriteRequest.ts';
import type { WriteResponse as _containerd_services_content_v1_WriteResponse, WriteResponse__Output as _containerd_services_content_v1_WriteResponse__Output } from '../../../../containerd/services/content/v1/WriteResponse.ts';

export interface ContentClient extends grpc.Client {
  Abort(argument: _containerd_services_content_v1_IngestRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Abort(argument: _containerd_services_content_v1_IngestRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Abort(argument: _containerd_services_content_v1_IngestRef, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Abort(argument: _containerd_services_content_v1_IngestRef, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  abort(argument: _containerd_services_content_v1_IngestRef, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  abort(argument: _containerd_services_content_v1_IngestRef, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  abort(argument: _containerd_services_content_v1_IngestRef, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  abort(argument: _containerd_services_content_v1_IngestRef, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_content_v1_Digest, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_content_v1_Digest, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_content_v1_Digest, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_content_v1_Digest, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Info(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Info(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Info(argument: _containerd_services_content_v1_Digest, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Info(argument: _containerd_services_content_v1_Digest, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  info(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  info(argument: _containerd_services_content_v1_Digest, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  info(argument: _containerd_services_content_v1_Digest, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  info(argument: _containerd_services_content_v1_Digest, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_InfoList__Output>;
  List(argument: _containerd_services_content_v1_Filters, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_InfoList__Output>;
  list(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_InfoList__Output>;
  list(argument: _containerd_services_content_v1_Filters, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_InfoList__Output>;
  
  ListStatuses(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  ListStatuses(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  ListStatuses(argument: _containerd_services_content_v1_Filters, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  ListStatuses(argument: _containerd_services_content_v1_Filters, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  listStatuses(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  listStatuses(argument: _containerd_services_content_v1_Filters, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  listStatuses(argument: _containerd_services_content_v1_Filters, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  listStatuses(argument: _containerd_services_content_v1_Filters, callback: grpc.requestCallback<_containerd_services_content_v1_IngestList__Output>): grpc.ClientUnaryCall;
  
  Read(argument: _containerd_services_content_v1_ReadBlob, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_BlobPiece__Output>;
  Read(argument: _containerd_services_content_v1_ReadBlob, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_BlobPiece__Output>;
  read(argument: _containerd_services_content_v1_ReadBlob, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_BlobPiece__Output>;
  read(argument: _containerd_services_content_v1_ReadBlob, options?: grpc.CallOptions): grpc.ClientReadableStream<_containerd_services_content_v1_BlobPiece__Output>;
  
  Update(argument: _containerd_services_content_v1_UpdateInfo, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_content_v1_UpdateInfo, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_content_v1_UpdateInfo, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_content_v1_UpdateInfo, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_content_v1_UpdateInfo, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_content_v1_UpdateInfo, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_content_v1_UpdateInfo, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_content_v1_UpdateInfo, callback: grpc.requestCallback<_containerd_services_content_v1_InfoAnswer__Output>): grpc.ClientUnaryCall;
  
  Write(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteResponse__Output>;
  Write(options?: grpc.CallOptions): grpc.ClientDuplexStream<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteResponse__Output>;
  write(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteResponse__Output>;
  write(options?: grpc.CallOptions): grpc.ClientDuplexStream<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteResponse__Output>;
  
}

export interface ContentHandlers extends grpc.UntypedServiceImplementation {
  Abort: grpc.handleUnaryCall<_containerd_services_content_v1_IngestRef__Output, _google_protobuf_Empty>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_content_v1_Digest__Output, _google_protobuf_Empty>;
  
  Info: grpc.handleUnaryCall<_containerd_services_content_v1_Digest__Output, _containerd_services_content_v1_InfoAnswer>;
  
  List: grpc.handleServerStreamingCall<_containerd_services_content_v1_Filters__Output, _containerd_services_content_v1_InfoList>;
  
  ListStatuses: grpc.handleUnaryCall<_containerd_services_content_v1_Filters__Output, _containerd_services_content_v1_IngestList>;
  
  Read: grpc.handleServerStreamingCall<_containerd_services_content_v1_ReadBlob__Output, _containerd_services_content_v1_BlobPiece>;
  
  Update: grpc.handleUnaryCall<_containerd_services_content_v1_UpdateInfo__Output, _containerd_services_content_v1_InfoAnswer>;
  
  Write: grpc.handleBidiStreamingCall<_containerd_services_content_v1_WriteRequest__Output, _containerd_services_content_v1_WriteResponse>;
  
}

export interface ContentDefinition extends grpc.ServiceDefinition {
  Abort: MethodDefinition<_containerd_services_content_v1_IngestRef, _google_protobuf_Empty, _containerd_services_content_v1_IngestRef__Output, _google_protobuf_Empty__Output>
  Delete: MethodDefinition<_containerd_services_content_v1_Digest, _google_protobuf_Empty, _containerd_services_content_v1_Digest__Output, _google_protobuf_Empty__Output>
  Info: MethodDefinition<_containerd_services_content_v1_Digest, _containerd_services_content_v1_InfoAnswer, _containerd_services_content_v1_Digest__Output, _containerd_services_content_v1_InfoAnswer__Output>
  List: MethodDefinition<_containerd_services_content_v1_Filters, _containerd_services_content_v1_InfoList, _containerd_services_content_v1_Filters__Output, _containerd_services_content_v1_InfoList__Output>
  ListStatuses: MethodDefinition<_containerd_services_content_v1_Filters, _containerd_services_content_v1_IngestList, _containerd_services_content_v1_Filters__Output, _containerd_services_content_v1_IngestList__Output>
  Read: MethodDefinition<_containerd_services_content_v1_ReadBlob, _containerd_services_content_v1_BlobPiece, _containerd_services_content_v1_ReadBlob__Output, _containerd_services_content_v1_BlobPiece__Output>
  Update: MethodDefinition<_containerd_services_content_v1_UpdateInfo, _containerd_services_content_v1_InfoAnswer, _containerd_services_content_v1_UpdateInfo__Output, _containerd_services_content_v1_InfoAnswer__Output>
  Write: MethodDefinition<_containerd_services_content_v1_WriteRequest, _containerd_services_content_v1_WriteResponse, _containerd_services_content_v1_WriteRequest__Output, _containerd_services_content_v1_WriteResponse__Output>
}
