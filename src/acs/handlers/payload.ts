import type { RoleCredentials } from '../../credentials/credentials-store.ts';
import { type AcsHandler, ackOf, addressOf, credentialsAckOf } from '../handler.ts';
import { type ParsedTask, parsePayloadTask } from '../payload-task.ts';

type Valid = Extract<ParsedTask, { kind: 'task' }>;
type Invalid = Extract<ParsedTask, { kind: 'invalid' }>;

/** Starts the reason of a task that did not parse; the spelling is the one that ECS users know (ACS-30). */
const REASON_PREFIX = 'UnrecogniedTaskError: Error loading task - ';

/**
 * Starts and stops tasks (acs.md §9.1). Acked only when every task is durably taken in; a bad task is reported
 * STOPPED and keeps the payload from being acked, while the good ones run.
 */
export const handlePayload: AcsHandler<'PayloadMessage'> = async (message, context, reply) => {
  const { intake, credentials, manifests, log } = context;
  const address = addressOf(message);
  if (address === undefined)
    return log.warn({ messageId: message.messageId }, 'payload without its required members; dropped');
  if (message.seqNum != null) manifests.raise(message.seqNum);

  const parsed = (message.tasks ?? []).map((task) => parsePayloadTask(task, address.clusterArn));
  const valid = parsed.filter((task): task is Valid => task.kind === 'task');
  const invalid = parsed.filter((task): task is Invalid => task.kind === 'invalid');
  const { messageId } = address;
  for (const task of parsed)
    if (task.kind === 'nameless') log.error({ messageId }, 'payload task has no ARN; nothing can be run');

  for (const { spec, taskCredentials, executionCredentials } of valid) {
    if (taskCredentials !== undefined) credentials.put(spec.arn, 'TaskApplication', taskCredentials);
    if (executionCredentials !== undefined) credentials.put(spec.arn, 'TaskExecution', executionCredentials);
  }
  const outcomes = await Promise.allSettled([
    intake.accept(valid.map(({ spec, desired }) => ({ spec, desired }))),
    ...invalid.map(async ({ arn, reason }) => {
      log.error({ messageId, task: arn, reason }, 'payload task is invalid; its payload is not acked');
      if (arn !== undefined) await intake.reject(arn, `${REASON_PREFIX}${reason}`);
    }),
  ]);
  for (const { spec } of valid) if (!intake.knows(spec.arn)) credentials.removeTask(spec.arn);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined)
    throw new Error('the payload could not be taken in; ECS will send it again', { cause: failed.reason });
  if (invalid.length > 0) return;

  reply(ackOf(address));
  for (const task of valid) for (const set of credentialSets(task)) reply(credentialsAckOf(messageId, set));
};

function credentialSets(task: Valid): readonly RoleCredentials[] {
  return [task.taskCredentials, task.executionCredentials].filter((set) => set !== undefined);
}
