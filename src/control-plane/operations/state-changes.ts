import {
  submitAttachmentStateChangesSchema,
  submitContainerStateChangeSchema,
  submitTaskStateChangeSchema,
  type TaskStateChange,
} from '../../wire/ecs-api.ts';
import { invalidParameter } from '../api-error.ts';
import { findTask, requireCluster } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import type { TaskRecord } from '../state/records.ts';
import { dropPayloads, queuePayload } from '../tasks/outbox.ts';
import { applyTaskReport, withAttachment } from '../tasks/task-report.ts';

export const stateChangeOperations: Readonly<Record<string, Operation>> = {
  SubmitTaskStateChange: operation(submitTaskStateChangeSchema, (input, call) => report(call, input)),

  /** Agents send container changes within SubmitTaskStateChange; older ones may use this. */
  SubmitContainerStateChange: operation(
    submitContainerStateChangeSchema,
    ({ cluster, task, ...container }, call) => report(call, { cluster, task, containers: [container] }),
  ),

  /** Acknowledged only: this control plane attaches nothing to instances themselves. */
  SubmitAttachmentStateChanges: operation(submitAttachmentStateChangesSchema, (input, call) => {
    requireCluster(call, input.cluster);
    return acknowledgment(call);
  }),
};

/**
 * A report about an unknown task is an InvalidParameterException: the agent drops it then, any other
 * error it would repeat without end (ecs-api.md §C7, §D4).
 */
function report(call: Call, change: TaskStateChange): object {
  const task = findTask(call, requireCluster(call, change.cluster), change.task ?? '');
  if (task === undefined) throw invalidParameter('The referenced task was not found.');
  if ((change.attachments ?? []).length > 0) return attachmentReport(call, task, change.attachments ?? []);
  const after = applyTaskReport(task, change, call.nowMs);
  if (after !== task) call.state.tasks.put(task.taskArn, after);
  if (after.lastStatus === 'STOPPED') dropPayloads(call.state, task.taskArn);
  return acknowledgment(call);
}

/** The ENI is there: the task may go to the agent (CP-19). A repeat changes nothing. */
function attachmentReport(
  call: Call,
  task: TaskRecord,
  attachments: NonNullable<TaskStateChange['attachments']>,
): object {
  const attached = withAttachment(task, attachments);
  if (attached !== task) {
    call.state.tasks.put(task.taskArn, attached);
    queuePayload(call.state, attached);
    call.afterCommit(() => call.agents.wake(task.containerInstanceArn));
  }
  return acknowledgment(call);
}

function acknowledgment(call: Call): object {
  return { acknowledgment: call.baseUrl };
}
