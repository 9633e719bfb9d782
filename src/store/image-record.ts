import { z } from '../schema.ts';
import type { ImageUse } from '../task/image-use.ts';
import { versionedRecord } from './versioned-record.ts';

/** The stored form of what is remembered of an image. */
export const imageRecordFormat = versionedRecord<ImageUse>(
  z.object({
    imageId: z.string().check(z.minLength(1)),
    names: z.array(z.string()),
    sizeBytes: z.number(),
    pulledAt: z.int(),
    lastUsedAt: z.int(),
  }),
);
