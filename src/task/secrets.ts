import type { ContainerSpec } from './task-spec.ts';
import type { TaskState } from './task-state.ts';

/** A value that is kept elsewhere and that a container is given (resources.md §4). Never the value itself. */
export interface SecretReference {
  /** Of the environment variable, or of the log driver's option. */
  readonly name: string;
  /** Name or ARN of an SSM parameter, or ARN of a secret with what of it is wanted. */
  readonly valueFrom: string;
  readonly region: string;
  readonly store: 'ssm' | 'secretsmanager';
  readonly use: 'environment' | 'logDriver';
}

/** What containers are given that has to be fetched first, and is kept in memory only. */
export type FetchedPart = Pick<ContainerSpec, 'secrets' | 'environmentFiles'>;

/** Whether something must be fetched before the container can be created. */
export function needsFetching({ secrets, environmentFiles }: FetchedPart): boolean {
  return (secrets?.length ?? 0) > 0 || (environmentFiles?.length ?? 0) > 0;
}

/** Whether a container that is still to be created needs what has not been fetched. */
export function isFetchDue({ desired, fetched, spec, containers }: TaskState): boolean {
  if (desired !== 'RUNNING' || fetched === true) return false;
  return containers.some(({ name, known, desired: wanted }) => {
    const container = spec.containers.find((candidate) => candidate.name === name);
    const unborn = known === 'NONE' || known === 'MANIFEST_PULLED' || known === 'PULLED';
    return unborn && wanted === 'RUNNING' && container !== undefined && needsFetching(container);
  });
}

/** The task as another process of the agent finds it: what was in memory only is not there. */
export function withoutFetched(state: TaskState): TaskState {
  const { fetched: _, ...kept } = state;
  return kept;
}
