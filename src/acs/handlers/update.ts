import { nonEmpty } from '../absent.ts';
import type { AcsHandler } from '../handler.ts';

/**
 * The agent is updated by its package, never by ACS. Both messages are refused, so that UpdateContainerAgent
 * fails at once instead of waiting (acs.md §9.13).
 */
export const handleUpdate: AcsHandler<'StageUpdateMessage' | 'PerformUpdateMessage'> = (
  message,
  context,
  reply,
) => {
  const messageId = nonEmpty(message.messageId);
  if (messageId === undefined) return context.log.warn('update message without messageId; dropped');
  reply({
    type: 'NackRequest',
    message: {
      cluster: message.clusterArn,
      containerInstance: message.containerInstanceArn,
      messageId,
      reason: 'Updates are disabled',
    },
  });
};
