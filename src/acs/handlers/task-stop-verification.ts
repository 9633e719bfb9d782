import { type TaskArn, taskArn } from '../../task/ids.ts';
import { nonEmpty } from '../absent.ts';
import type { AcsHandler } from '../handler.ts';

/** Stops what ECS confirmed of the latest manifest's candidates, once (acs.md §9.8). */
export const handleTaskStopVerification: AcsHandler<'TaskStopVerificationAck'> = async (message, context) => {
  const { intake, manifests, log } = context;
  const messageId = message.messageId ?? '';
  if (!manifests.settle(messageId))
    return log.info({ messageId }, 'stop verification is not for the latest manifest; dropped');
  const arns = (message.stopTasks ?? []).flatMap((task): TaskArn[] => {
    const arn = nonEmpty(task?.taskArn);
    return arn === undefined ? [] : [taskArn(arn)];
  });
  const known = arns.filter((arn) => intake.knows(arn));
  log.warn({ tasks: known }, 'stopping tasks that ECS does not want on this instance');
  await intake.stop(known);
};
