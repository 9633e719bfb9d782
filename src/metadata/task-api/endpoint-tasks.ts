import { type TaskId, taskIdOf } from '../../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import type { ContainerState, TaskState } from '../../task/task-state.ts';
import type { EndpointIds } from '../endpoint-ids.ts';

/** Whose requests a listener takes: those of one task, or of all that share the host's network. */
export type EndpointScope = { readonly kind: 'task'; readonly taskId: TaskId } | { readonly kind: 'host' };

/** A container that a caller may read, with its task. */
export interface EndpointContainer {
  readonly task: TaskState;
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
}

export interface EndpointTasksOptions {
  readonly ids: EndpointIds;
  /** All tasks of the instance as they are now. */
  tasks(): readonly TaskState[];
  /** Whether a task's containers call by the listener of the host. */
  callsFromHost(spec: TaskSpec): boolean;
}

/**
 * Finds what a caller may read: through a listener in a task's namespace that task alone, so that an id that
 * leaked elsewhere is worth nothing there.
 */
export class EndpointTasks {
  readonly #options: EndpointTasksOptions;
  /** Looked up for every task in every request; what a task is made of never changes. */
  readonly #taskIds = new WeakMap<TaskSpec, TaskId>();

  constructor(options: EndpointTasksOptions) {
    this.#options = options;
  }

  inScope(scope: EndpointScope): readonly TaskState[] {
    const { tasks, callsFromHost } = this.#options;
    return tasks().filter(({ spec }) =>
      scope.kind === 'task' ? this.#taskIdOf(spec) === scope.taskId : callsFromHost(spec),
    );
  }

  /** By the id in a path; a container is known from its creation on (metadata-endpoints.md §3). */
  find(scope: EndpointScope, endpointId: string): EndpointContainer | undefined {
    for (const task of this.inScope(scope)) {
      const name = this.#options.ids.ofTask(task.spec).get(endpointId);
      if (name === undefined) continue;
      const container = containersOf(task).find(({ spec }) => spec.name === name);
      return container !== undefined && isCreated(container) ? container : undefined;
    }
    return undefined;
  }

  /** The task that the calling address belongs to; those of the host share one (§3, v2). */
  ofCaller(scope: EndpointScope): TaskState | undefined {
    if (scope.kind === 'host') return undefined;
    return this.inScope(scope).find(({ spec }) => spec.networkMode === 'awsvpc');
  }

  #taskIdOf(spec: TaskSpec): TaskId {
    let id = this.#taskIds.get(spec);
    if (id === undefined) {
      id = taskIdOf(spec.arn);
      this.#taskIds.set(spec, id);
    }
    return id;
  }
}

/** Whether the runtime has, or had, the container. */
export function isCreated({ state }: EndpointContainer): boolean {
  return state.createdAt !== undefined || state.startedAt !== undefined;
}

/** Containers with what was asked for and how they stand. */
export function containersOf(task: TaskState): readonly EndpointContainer[] {
  return task.spec.containers.flatMap((spec) => {
    const state = task.containers.find(({ name }) => name === spec.name);
    return state === undefined ? [] : [{ task, spec, state }];
  });
}
