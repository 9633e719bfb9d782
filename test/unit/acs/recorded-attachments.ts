import type { AttachmentIntake } from '../../../src/attachment/attachment-intake.ts';
import type { EniAttachment } from '../../../src/task/eni-attachment.ts';

/** A keeper of attachments that only remembers what it was given, and that can be held up or made to fail. */
export class RecordedAttachments implements AttachmentIntake {
  readonly accepted: (readonly EniAttachment[])[] = [];
  failure: Error | undefined;
  gate: Promise<void> = Promise.resolve();

  async accept(attachments: readonly EniAttachment[]): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
    this.accepted.push(attachments);
  }
}
