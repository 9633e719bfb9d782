import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { CreateImage as _containerd_services_images_v1_CreateImage, CreateImage__Output as _containerd_services_images_v1_CreateImage__Output } from './containerd/services/images/v1/CreateImage.ts';
import type { DeleteImage as _containerd_services_images_v1_DeleteImage, DeleteImage__Output as _containerd_services_images_v1_DeleteImage__Output } from './containerd/services/images/v1/DeleteImage.ts';
import type { Image as _containerd_services_images_v1_Image, Image__Output as _containerd_services_images_v1_Image__Output } from './containerd/services/images/v1/Image.ts';
import type { ImageAnswer as _containerd_services_images_v1_ImageAnswer, ImageAnswer__Output as _containerd_services_images_v1_ImageAnswer__Output } from './containerd/services/images/v1/ImageAnswer.ts';
import type { ImageList as _containerd_services_images_v1_ImageList, ImageList__Output as _containerd_services_images_v1_ImageList__Output } from './containerd/services/images/v1/ImageList.ts';
import type { ImageName as _containerd_services_images_v1_ImageName, ImageName__Output as _containerd_services_images_v1_ImageName__Output } from './containerd/services/images/v1/ImageName.ts';
import type { ImagesClient as _containerd_services_images_v1_ImagesClient, ImagesDefinition as _containerd_services_images_v1_ImagesDefinition } from './containerd/services/images/v1/Images.ts';
import type { ListImages as _containerd_services_images_v1_ListImages, ListImages__Output as _containerd_services_images_v1_ListImages__Output } from './containerd/services/images/v1/ListImages.ts';
import type { UpdateImage as _containerd_services_images_v1_UpdateImage, UpdateImage__Output as _containerd_services_images_v1_UpdateImage__Output } from './containerd/services/images/v1/UpdateImage.ts';
import type { Descriptor as _containerd_types_Descriptor, Descriptor__Output as _containerd_types_Descriptor__Output } from './containerd/types/Descriptor.ts';
import type { Mount as _containerd_types_Mount, Mount__Output as _containerd_types_Mount__Output } from './containerd/types/Mount.ts';
import type { Empty as _google_protobuf_Empty, Empty__Output as _google_protobuf_Empty__Output } from './google/protobuf/Empty.ts';
import type { FieldMask as _google_protobuf_FieldMask, FieldMask__Output as _google_protobuf_FieldMask__Output } from './google/protobuf/FieldMask.ts';
import type { Timestamp as _google_protobuf_Timestamp, Timestamp__Output as _google_protobuf_Timestamp__Output } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  containerd: {
    services: {
      images: {
        v1: {
          CreateImage: MessageTypeDefinition<_containerd_services_images_v1_CreateImage, _containerd_services_images_v1_CreateImage__Output>
          DeleteImage: MessageTypeDefinition<_containerd_services_images_v1_DeleteImage, _containerd_services_images_v1_DeleteImage__Output>
          Image: MessageTypeDefinition<_containerd_services_images_v1_Image, _containerd_services_images_v1_Image__Output>
          ImageAnswer: MessageTypeDefinition<_containerd_services_images_v1_ImageAnswer, _containerd_services_images_v1_ImageAnswer__Output>
          ImageList: MessageTypeDefinition<_containerd_services_images_v1_ImageList, _containerd_services_images_v1_ImageList__Output>
          ImageName: MessageTypeDefinition<_containerd_services_images_v1_ImageName, _containerd_services_images_v1_ImageName__Output>
          Images: SubtypeConstructor<typeof grpc.Client, _containerd_services_images_v1_ImagesClient> & { service: _containerd_services_images_v1_ImagesDefinition }
          ListImages: MessageTypeDefinition<_containerd_services_images_v1_ListImages, _containerd_services_images_v1_ListImages__Output>
          UpdateImage: MessageTypeDefinition<_containerd_services_images_v1_UpdateImage, _containerd_services_images_v1_UpdateImage__Output>
        }
      }
    }
    types: {
      Descriptor: MessageTypeDefinition<_containerd_types_Descriptor, _containerd_types_Descriptor__Output>
      Mount: MessageTypeDefinition<_containerd_types_Mount, _containerd_types_Mount__Output>
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

