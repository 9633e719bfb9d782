import type { EniAttachment } from '../../task/eni-attachment.ts';
import { type TaskArn, taskArn } from '../../task/ids.ts';
import type { AcsMessageBody } from '../../wire/acs.ts';
import { nonEmpty } from '../absent.ts';
import { eniProblem } from '../eni.ts';
import { type AcsContext, type AcsHandler, ackOf, addressOf, type Reply } from '../handler.ts';

type AttachMessage = AcsMessageBody<'AttachInstanceNetworkInterfacesMessage'>;

/** ENIs that EC2 is attaching for a task; they come before its payload (acs.md §9.9). */
export const handleAttachTaskEnis: AcsHandler<'AttachTaskNetworkInterfacesMessage'> = async (
  message,
  context,
  reply,
) => {
  const task = nonEmpty(message.taskArn);
  const problem = task === undefined ? 'no taskArn' : attachProblem(message);
  await takeIn(message, problem, task === undefined ? undefined : taskArn(task), context, reply);
};

/** The same for ENIs of the instance, such as the trunk of ENI trunking (acs.md §9.10). */
export const handleAttachInstanceEnis: AcsHandler<'AttachInstanceNetworkInterfacesMessage'> = async (
  message,
  context,
  reply,
) => {
  await takeIn(message, attachProblem(message), undefined, context, reply);
};

/** What keeps an attach message from being acted upon, or undefined (ACS-84, ACS-85). */
export function attachProblem(message: AttachMessage): string | undefined {
  if (addressOf(message) === undefined) return 'a required member is missing';
  if (!((message.waitTimeoutMs ?? 0) > 0)) return `waitTimeoutMs ${message.waitTimeoutMs} is not positive`;
  const enis = message.elasticNetworkInterfaces ?? [];
  if (enis.length === 0) return 'no ENI';
  return enis
    .map(
      (eni) => eniProblem(eni) ?? (nonEmpty(eni?.attachmentArn) ? undefined : 'an ENI has no attachmentArn'),
    )
    .find((problem) => problem !== undefined);
}

/**
 * Acked once it is durable, whether or not the device is there. Where ENIs are not taken a valid message is not
 * acked: ECS then stops the task when its wait is over, where an ack would promise a report that never comes.
 */
async function takeIn(
  message: AttachMessage,
  problem: string | undefined,
  task: TaskArn | undefined,
  context: AcsContext,
  reply: Reply,
): Promise<void> {
  const { attachments, log } = context;
  const { messageId } = message;
  const address = addressOf(message);
  if (problem !== undefined || address === undefined)
    return log.warn({ messageId, problem }, 'invalid ENI attachment; dropped');
  if (attachments === undefined)
    return context.warnOnce(
      'attach-eni',
      { messageId, task },
      'an ENI is announced and ECS_ENABLE_TASK_ENI is off, or does not work here: it is not acked',
    );
  const expiresAt = context.now() + (message.waitTimeoutMs ?? 0);
  await attachments.accept(
    (message.elasticNetworkInterfaces ?? []).map(
      (eni): EniAttachment => ({
        arn: eni?.attachmentArn ?? '',
        ...(task !== undefined && { task }),
        macAddress: (eni?.macAddress ?? '').toLowerCase(),
        expiresAt,
        isReported: false,
      }),
    ),
  );
  reply(ackOf(address));
}
