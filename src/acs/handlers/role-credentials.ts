import type { RoleType } from '../../credentials/credentials-store.ts';
import { taskArn } from '../../task/ids.ts';
import { nonEmpty } from '../absent.ts';
import { type AcsHandler, credentialsAckOf } from '../handler.ts';
import { parseRoleCredentials } from '../payload-task.ts';

const ROLE_TYPES: readonly RoleType[] = ['TaskApplication', 'TaskExecution'];

/** Renews the credentials of a task's role; those of an unknown task are neither kept nor acked (acs.md §9.5). */
export const handleRoleCredentials: AcsHandler<'IAMRoleCredentialsMessage'> = (message, context, reply) => {
  const messageId = nonEmpty(message.messageId);
  const arn = nonEmpty(message.taskArn);
  const roleType = ROLE_TYPES.find((known) => known === message.roleType);
  const { intake, credentials } = context;
  const log = context.log.child({ messageId, task: arn });
  if (messageId === undefined || arn === undefined || roleType === undefined)
    return log.warn(
      { roleType: message.roleType },
      'role credentials without their required members; dropped',
    );
  const renewed = parseRoleCredentials(message.roleCredentials);
  if (renewed === undefined) return log.warn('role credentials message without credentials; dropped');
  if (!intake.knows(taskArn(arn))) return log.warn('role credentials for an unknown task; dropped');
  credentials.put(arn, roleType, renewed);
  reply(credentialsAckOf(messageId, renewed));
};
