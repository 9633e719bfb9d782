/** Container statuses in order (task-engine.md §1.1, ENG-01). */
export const CONTAINER_STATUSES = [
  'NONE',
  'MANIFEST_PULLED',
  'PULLED',
  'CREATED',
  'RUNNING',
  'RESOURCES_PROVISIONED',
  'STOPPED',
] as const;
export type ContainerStatus = (typeof CONTAINER_STATUSES)[number];

/** Task statuses in order (task-engine.md §1.2). */
export const TASK_STATUSES = ['NONE', 'MANIFEST_PULLED', 'CREATED', 'RUNNING', 'STOPPED'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** What ECS may ask of a task. */
export type DesiredStatus = 'RUNNING' | 'STOPPED';

/** Negative when `a` comes before `b`, zero when they are the same. */
export function compareContainerStatus(a: ContainerStatus, b: ContainerStatus): number {
  return CONTAINER_STATUSES.indexOf(a) - CONTAINER_STATUSES.indexOf(b);
}

/** Negative when `a` comes before `b`, zero when they are the same. */
export function compareTaskStatus(a: TaskStatus, b: TaskStatus): number {
  return TASK_STATUSES.indexOf(a) - TASK_STATUSES.indexOf(b);
}
