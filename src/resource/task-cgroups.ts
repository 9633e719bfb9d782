import type { CgroupParent } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';

/**
 * The task's own cgroup, parent of its containers' (resources.md §2). Written by the agent, not by the runtime.
 * Calls may be repeated; failures are `TaskError`s with code CgroupError.
 */
export interface TaskCgroups {
  /** Which driver was chosen by looking at the host, and why. */
  readonly driver: 'cgroupfs' | 'systemd';
  readonly version: 1 | 2;
  /** Makes the cgroup with its limits. */
  ensure(taskId: TaskId, limits: TaskLimits): Promise<CgroupParent>;
  /** Whether no process is left in the container's cgroup below the task's; a missing cgroup is empty. */
  isEmpty(taskId: TaskId, containerId: ContainerId): Promise<boolean>;
  /** Kills every process in the container's cgroup (cgroup.kill, else each pid by SIGKILL). */
  kill(taskId: TaskId, containerId: ContainerId): Promise<void>;
  /** Removes the task's cgroup and empty ones below it. Not there: success. */
  remove(taskId: TaskId): Promise<void>;
  /** Tasks that have a cgroup under our root; for the sweep. */
  list(): Promise<readonly TaskId[]>;
  /** Removes what `open` made, unless tasks are still in it; the next start makes it again. */
  close(): Promise<void>;
}

export interface TaskLimits {
  /** vCPU; absent: no quota. */
  readonly cpu?: number;
  /** Used when `cpu` is absent: sum of the containers' shares (OBS-72). */
  readonly cpuShares: number;
  /** MiB; absent: none. */
  readonly memoryMiB?: number;
}
