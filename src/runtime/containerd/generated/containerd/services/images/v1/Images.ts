// Original file: proto/images.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateImage as _containerd_services_images_v1_CreateImage, CreateImage__Output as _containerd_services_images_v1_CreateImage__Output } from '../../../../containerd/services/images/v1/CreateImage.ts';
import type { DeleteImage as _containerd_services_images_v1_DeleteImage, DeleteImage__Output as _containerd_services_images_v1_DeleteImage__Output } from '../../../../containerd/services/images/v1/DeleteImage.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from '../../../../google/protobuf/Empty.ts';
import type { ImageAnswer as _containerd_services_images_v1_ImageAnswer, ImageAnswer__Output as _containerd_services_images_v1_ImageAnswer__Output } from '../../../../containerd/services/images/v1/ImageAnswer.ts';
import type { ImageList as _containerd_services_images_v1_ImageList, ImageList__Output as _containerd_services_images_v1_ImageList__Output } from '../../../../containerd/services/images/v1/ImageList.ts';
import type { ImageName as _containerd_services_images_v1_ImageName, ImageName__Output as _containerd_services_images_v1_ImageName__Output } from '../../../../containerd/services/images/v1/ImageName.ts';
import type { ListImages as _containerd_services_images_v1_ListImages, ListImages__Output as _containerd_services_images_v1_ListImages__Output } from '../../../../containerd/services/images/v1/ListImages.ts';
import type { UpdateImage as _containerd_services_images_v1_UpdateImage, UpdateImage__Output as _containerd_services_images_v1_UpdateImage__Output } from '../../../../containerd/services/images/v1/UpdateImage.ts';

export interface ImagesClient extends grpc.Client {
  Create(argument: _containerd_services_images_v1_CreateImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_images_v1_CreateImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_images_v1_CreateImage, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Create(argument: _containerd_services_images_v1_CreateImage, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_images_v1_CreateImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_images_v1_CreateImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_images_v1_CreateImage, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  create(argument: _containerd_services_images_v1_CreateImage, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  
  Delete(argument: _containerd_services_images_v1_DeleteImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_images_v1_DeleteImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_images_v1_DeleteImage, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  Delete(argument: _containerd_services_images_v1_DeleteImage, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_images_v1_DeleteImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_images_v1_DeleteImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_images_v1_DeleteImage, options: grpc.CallOptions, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  delete(argument: _containerd_services_images_v1_DeleteImage, callback: grpc.requestCallback<_google_protobuf_Empty__Output>): grpc.ClientUnaryCall;
  
  Get(argument: _containerd_services_images_v1_ImageName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_images_v1_ImageName, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_images_v1_ImageName, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Get(argument: _containerd_services_images_v1_ImageName, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_images_v1_ImageName, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_images_v1_ImageName, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_images_v1_ImageName, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  get(argument: _containerd_services_images_v1_ImageName, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  
  List(argument: _containerd_services_images_v1_ListImages, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_images_v1_ListImages, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_images_v1_ListImages, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  List(argument: _containerd_services_images_v1_ListImages, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_images_v1_ListImages, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_images_v1_ListImages, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_images_v1_ListImages, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  list(argument: _containerd_services_images_v1_ListImages, callback: grpc.requestCallback<_containerd_services_images_v1_ImageList__Output>): grpc.ClientUnaryCall;
  
  Update(argument: _containerd_services_images_v1_UpdateImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_images_v1_UpdateImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_images_v1_UpdateImage, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  Update(argument: _containerd_services_images_v1_UpdateImage, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_images_v1_UpdateImage, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_images_v1_UpdateImage, metadata: grpc.Metadata, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_images_v1_UpdateImage, options: grpc.CallOptions, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  update(argument: _containerd_services_images_v1_UpdateImage, callback: grpc.requestCallback<_containerd_services_images_v1_ImageAnswer__Output>): grpc.ClientUnaryCall;
  
}

export interface ImagesHandlers extends grpc.UntypedServiceImplementation {
  Create: grpc.handleUnaryCall<_containerd_services_images_v1_CreateImage__Output, _containerd_services_images_v1_ImageAnswer>;
  
  Delete: grpc.handleUnaryCall<_containerd_services_images_v1_DeleteImage__Output, _google_protobuf_Empty>;
  
  Get: grpc.handleUnaryCall<_containerd_services_images_v1_ImageName__Output, _containerd_services_images_v1_ImageAnswer>;
  
  List: grpc.handleUnaryCall<_containerd_services_images_v1_ListImages__Output, _containerd_services_images_v1_ImageList>;
  
  Update: grpc.handleUnaryCall<_containerd_services_images_v1_UpdateImage__Output, _containerd_services_images_v1_ImageAnswer>;
  
}

export interface ImagesDefinition extends grpc.ServiceDefinition {
  Create: MethodDefinition<_containerd_services_images_v1_CreateImage, _containerd_services_images_v1_ImageAnswer, _containerd_services_images_v1_CreateImage__Output, _containerd_services_images_v1_ImageAnswer__Output>
  Delete: MethodDefinition<_containerd_services_images_v1_DeleteImage, _google_protobuf_Empty, _containerd_services_images_v1_DeleteImage__Output, _google_protobuf_Empty__Output>
  Get: MethodDefinition<_containerd_services_images_v1_ImageName, _containerd_services_images_v1_ImageAnswer, _containerd_services_images_v1_ImageName__Output, _containerd_services_images_v1_ImageAnswer__Output>
  List: MethodDefinition<_containerd_services_images_v1_ListImages, _containerd_services_images_v1_ImageList, _containerd_services_images_v1_ListImages__Output, _containerd_services_images_v1_ImageList__Output>
  Update: MethodDefinition<_containerd_services_images_v1_UpdateImage, _containerd_services_images_v1_ImageAnswer, _containerd_services_images_v1_UpdateImage__Output, _containerd_services_images_v1_ImageAnswer__Output>
}
