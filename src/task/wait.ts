import type { Dependency } from './dependencies.ts';
import type { ContainerState, TaskState } from './task-state.ts';

/** What a task, or one container of it, waits for without anything being done for it meanwhile. */
export type WaitCause =
  /** What another container of the task has to become. */
  | {
      readonly kind: 'dependency';
      readonly on: Dependency;
      /** Epoch ms at which the wait becomes a failure; Infinity: never by time alone. */
      readonly until: number;
    }
  /** The task's cgroup and directories. */
  | { readonly kind: 'taskResources' }
  /** Its secrets and environment files. */
  | { readonly kind: 'secrets' }
  /** Those that depend on it have to stop first. */
  | { readonly kind: 'dependants'; readonly names: readonly string[] }
  /** ECS has to take what it was told of a task that is over. */
  | { readonly kind: 'reports'; readonly count: number }
  /** The end of the time for which stopped containers are kept; epoch ms. */
  | { readonly kind: 'cleanup'; readonly until: number };

export type Wait = WaitCause & {
  /** Absent: the whole task waits. */
  readonly container?: string;
  /** Epoch ms. */
  readonly since: number;
};

/** Since when a container is where it is; that of its task when it is older than such knowledge. */
export function standsSince(state: TaskState, container: ContainerState | undefined): number {
  return container?.knownAt ?? state.knownAt;
}

/** Since when the task is on its way to its end. */
export function stoppingSince(state: TaskState): number {
  const begun = state.containers.flatMap((c) => c.stopRequestedAt ?? []);
  return begun.length === 0 ? state.knownAt : Math.min(...begun);
}
