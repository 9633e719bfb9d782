import type { AcsMessageBody } from '../../wire/acs.ts';
import { nonEmpty } from '../absent.ts';
import { eniProblem } from '../eni.ts';
import { type AcsHandler, addressOf } from '../handler.ts';

type AttachMessage = AcsMessageBody<'AttachInstanceNetworkInterfacesMessage'>;

/**
 * ENIs are not supported yet and the capability is not announced, so ECS should never send this. A valid message
 * is not acked either: ECS then lets the attachment time out and stops the task for that reason, where an ack
 * would promise a report that never comes (acs.md §9.9).
 */
export const handleAttachTaskEnis: AcsHandler<'AttachTaskNetworkInterfacesMessage'> = (message, context) => {
  const problem = nonEmpty(message.taskArn) === undefined ? 'no taskArn' : attachProblem(message);
  if (problem !== undefined)
    return context.log.warn({ messageId: message.messageId, problem }, 'invalid ENI attachment; dropped');
  context.warnOnce(
    'attach-task-eni',
    { messageId: message.messageId, task: message.taskArn },
    'ENI attachments for tasks are not supported and not acked: ECS will stop the task when the wait is over',
  );
};

/** The same for ENIs of the instance, such as the trunk of ENI trunking (acs.md §9.10). */
export const handleAttachInstanceEnis: AcsHandler<'AttachInstanceNetworkInterfacesMessage'> = (
  message,
  context,
) => {
  const problem = attachProblem(message);
  if (problem !== undefined)
    return context.log.warn({ messageId: message.messageId, problem }, 'invalid ENI attachment; dropped');
  context.warnOnce(
    'attach-instance-eni',
    { messageId: message.messageId },
    'ENI attachments for the instance are not supported and not acked: ENI trunking stays off',
  );
};

/** What keeps an attach message from being acted upon, or undefined (ACS-84, ACS-85). */
export function attachProblem(message: AttachMessage): string | undefined {
  if (addressOf(message) === undefined) return 'a required member is missing';
  if (!((message.waitTimeoutMs ?? 0) > 0)) return `waitTimeoutMs ${message.waitTimeoutMs} is not positive`;
  const enis = message.elasticNetworkInterfaces ?? [];
  if (enis.length === 0) return 'no ENI';
  return enis.map(eniProblem).find((problem) => problem !== undefined);
}
