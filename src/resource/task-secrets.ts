import type { TaskArn } from '../task/ids.ts';
import type { TaskSpec } from '../task/task-spec.ts';

/**
 * Values of secrets and environment files of tasks (resources.md §3, §4). They are kept in memory only, from
 * `fetch` until `forget`: no disk, no log and no document ever shows one.
 */
export interface TaskSecrets {
  /**
   * Fetches everything that the task's containers name, as its execution role; may be repeated. Rejects with a
   * `TaskError` whose text is the reason of the task, or with `CredentialsNotHereError` when the role's
   * credentials have not come from ECS yet.
   */
  fetch(task: TaskSpec, options: { signal: AbortSignal }): Promise<void>;
  /** What `fetch` brought for a container. Throws when it was not called in this life of the agent. */
  of(task: TaskArn, container: string): FetchedValues;
  /** Lets go of everything of a task. */
  forget(task: TaskArn): void;
}

/** Values for one container, by the names under which it is given them. */
export interface FetchedValues {
  /** Variables of its environment files; those of the task definition win over them. */
  readonly files: Readonly<Record<string, string>>;
  /** Variables that win over those of the task definition. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly logOptions: Readonly<Record<string, string>>;
}

export const NOTHING_FETCHED: FetchedValues = { files: {}, secrets: {}, logOptions: {} };
