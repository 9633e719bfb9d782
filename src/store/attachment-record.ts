import { z } from '../schema.ts';
import type { EniAttachment } from '../task/eni-attachment.ts';
import { taskArn } from '../task/ids.ts';
import { versionedRecord } from './versioned-record.ts';

const eniAttachment = z.object({
  arn: z.string().check(z.minLength(1)),
  task: z.exactOptional(
    z.pipe(
      z.string().check(z.minLength(1)),
      z.transform((value) => taskArn(value)),
    ),
  ),
  macAddress: z.string(),
  expiresAt: z.int(),
  isReported: z.boolean(),
});

/** How an attachment is kept. */
export const attachmentRecordFormat = versionedRecord<EniAttachment>(eniAttachment);
