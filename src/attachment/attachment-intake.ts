import type { EniAttachment } from '../task/eni-attachment.ts';

/** What the ACS session asks of the keeper of attachments. Messages are delivered again until they are acked. */
export interface AttachmentIntake {
  /**
   * Takes in attachments that ECS announced; resolves once they are durable, so that the message may be acked.
   * One that is known stays as it is, with the expiry that it had (NET-31).
   */
  accept(attachments: readonly EniAttachment[]): Promise<void>;
}
