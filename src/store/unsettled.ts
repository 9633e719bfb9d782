import type { TaskState } from '../task/task-state.ts';
import type { QueuedReport } from './store.ts';

/**
 * The tasks with their unsettled reports counted anew. The stored count is one too high when the agent died
 * between a report's leaving the outbox and the task's hearing of it, or when a broken report was set aside;
 * such a task would wait for ECS for ever.
 */
export function withUnsettledCounted(
  tasks: readonly TaskState[],
  outbox: readonly QueuedReport[],
): readonly TaskState[] {
  const counts = new Map<string, number>();
  for (const { report } of outbox) counts.set(report.task, (counts.get(report.task) ?? 0) + 1);
  return tasks.map((task) => ({ ...task, unsettledReports: counts.get(task.spec.arn) ?? 0 }));
}
