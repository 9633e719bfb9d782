import { CONTAINER_STATUSES, type ContainerStatus, type TaskStatus } from './statuses.ts';
import type { TaskState } from './task-state.ts';

/** Container status to the task status it allows (task-engine.md §1.2, ENG-06). */
const TASK_STATUS_OF: Readonly<Record<ContainerStatus, TaskStatus>> = {
  NONE: 'NONE',
  MANIFEST_PULLED: 'MANIFEST_PULLED',
  PULLED: 'MANIFEST_PULLED',
  CREATED: 'CREATED',
  RUNNING: 'RUNNING',
  RESOURCES_PROVISIONED: 'RUNNING',
  STOPPED: 'STOPPED',
};

/**
 * The task's status by its containers: the lowest of theirs (ENG-07), except that it stands still while the
 * lowest is steady and an essential container has stopped (ENG-08): the rest is about to be stopped too.
 */
export function knownTaskStatus(state: TaskState): TaskStatus {
  let lowest: ContainerStatus = 'STOPPED';
  for (const container of state.containers)
    if (CONTAINER_STATUSES.indexOf(container.known) < CONTAINER_STATUSES.indexOf(lowest))
      lowest = container.known;
  const essentialStopped = state.spec.containers.some(
    (spec) => spec.essential && state.containers.find((c) => c.name === spec.name)?.known === 'STOPPED',
  );
  if (essentialStopped && TASK_STATUS_OF[lowest] === 'RUNNING') return state.known;
  return TASK_STATUS_OF[lowest];
}
