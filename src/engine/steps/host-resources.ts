import type { TaskEvent } from '../../task/event.ts';
import type { StepContext } from '../step-context.ts';

/** Waits for the task's turn and for its share of the host; as long as it takes. */
export async function takeHostResources({ hostResources, task, signal }: StepContext): Promise<TaskEvent> {
  await hostResources.take(task.spec, signal);
  return { kind: 'hostResourcesTaken' };
}
