import { TaskError } from '../task/errors.ts';

/** The agent cannot keep task limits on this host; told once, at its start. */
export class CgroupsUnavailableError extends Error {
  override readonly name = 'CgroupsUnavailableError';

  constructor(why: string, cause?: unknown) {
    super(
      `task limits cannot be kept on this host: ${why}; ECS_ENABLE_TASK_CPU_MEM_LIMIT=false runs without them`,
      { cause },
    );
  }
}

/** The reason that ECS is shown; it is the same whatever went wrong, the cause is for the log (RES-102). */
export function creationError(cause: unknown): TaskError {
  return new TaskError('CgroupError', 'The platform resources of the task could not be created', { cause });
}

/** Nothing was removed, because that would need a kill. */
export function occupiedError(cgroup: string, pids: readonly number[]): TaskError {
  const who =
    pids.length === 0 ? 'processes are' : `${pids.length} processes (${pids.slice(0, 10).join(', ')}) are`;
  return new TaskError('CgroupError', `cannot remove the cgroup ${cgroup}: ${who} still in it`, {
    retryable: true,
  });
}
