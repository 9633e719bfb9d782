import { type AcsHandler, ackOf, addressOf } from '../handler.ts';

/**
 * ECS's list of what should be on the instance (acs.md §9.6). Names the tasks that run here without being on it;
 * stops nothing before the verification ack.
 */
export const handleTaskManifest: AcsHandler<'TaskManifestMessage'> = async (message, context, reply) => {
  const { intake, manifests, log } = context;
  const address = addressOf(message);
  const { timeline } = message;
  if (address === undefined || timeline == null)
    return log.warn({ messageId: message.messageId }, 'manifest without its required members; dropped');
  if (timeline <= manifests.latest)
    return log.info({ timeline, latest: manifests.latest }, 'manifest is not newer than the latest; dropped');
  await manifests.advance(timeline, address.messageId);

  const wanted = new Set(
    (message.tasks ?? []).filter((task) => task?.desiredStatus === 'RUNNING').map((task) => task?.taskArn),
  );
  const candidates = intake.desiredRunning().filter((arn) => !wanted.has(arn));
  reply(ackOf(address));
  if (candidates.length === 0) return;
  log.warn({ tasks: candidates }, 'tasks are not in the manifest; asking whether to stop them');
  reply({
    type: 'TaskStopVerificationMessage',
    message: {
      messageId: address.messageId,
      stopCandidates: candidates.map((arn) => ({
        taskArn: arn,
        taskClusterArn: address.clusterArn,
        desiredStatus: 'STOPPED',
      })),
    },
  });
};
