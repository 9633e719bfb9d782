import {
  submitAttachmentStateChangesSchema,
  submitContainerStateChangeSchema,
  submitTaskStateChangeSchema,
  type TaskStateChange,
} from '../../wire/ecs-api.ts';
import { invalidParameter } from '../api-error.ts';
import { findTask, requireCluster } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import { dropPayloads } from '../tasks/outbox.ts';
import { applyTaskReport } from '../tasks/task-report.ts';

export const stateChangeOperations: Readonly<Record<string, Operation>> = {
  SubmitTaskStateChange: operation(submitTaskStateChangeSchema, (input, call) => report(call, input)),

  /** Agents send container changes within SubmitTaskStateChange; older ones may use this. */
  SubmitContainerStateChange: operation(
    submitContainerStateChangeSchema,
    ({ cluster, task, ...container }, call) => report(call, { cluster, task, containers: [container] }),
  ),

  /** Acknowledged only: this control plane attaches neither volumes nor interfaces to instances. */
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
  const after = applyTaskReport(task, change, call.nowMs);
  if (after !== task) call.state.tasks.put(task.taskArn, after);
  if (after.lastStatus === 'STOPPED') dropPayloads(call.state, task.taskArn);
  return acknowledgment(call);
}

function acknowledgment(call: Call): object {
  return { acknowledgment: call.baseUrl };
}
