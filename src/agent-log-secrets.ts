import type { LogSecretsSource } from './container-log/log-service-client.ts';
import { secretLogOptions } from './engine/steps/log-options.ts';
import type { TaskSecrets } from './resource/task-secrets.ts';
import { containerIdOf } from './task/ids.ts';
import type { ContainerSpec } from './task/task-spec.ts';
import type { ContainerState, TaskState } from './task/task-state.ts';

const FETCH_TIMEOUT_MS = 30_000;

/**
 * Values of secret log options for a log service that has lost them, fetched anew as the task's execution role.
 * `memory` makes a place for them that nothing else looks into; `tasks` are those that the agent knows.
 */
export function logSecrets(
  memory: () => TaskSecrets,
  tasks: () => Promise<readonly TaskState[]>,
): LogSecretsSource {
  return async (arn, id) => {
    const task = (await tasks()).find(({ spec }) => spec.arn === arn);
    const known = task?.containers.find((container) =>
      hasRunAs(container, (generation) => containerIdOf(task.spec.arn, container.name, generation) === id),
    );
    const container = task?.spec.containers.find(({ name }) => name === known?.name);
    if (task === undefined || container === undefined) throw new Error(`the agent does not know task ${arn}`);
    const secrets = memory();
    const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
    await secrets.fetch({ ...task.spec, containers: [onlyLogSecrets(container)] }, { signal });
    return secretLogOptions(container, secrets.of(task.spec.arn, container.name));
  };
}

/** Every run of a container has a log of its own. */
function hasRunAs({ generation }: ContainerState, is: (generation: number) => boolean): boolean {
  for (let past = generation; past >= 0; past -= 1) if (is(past)) return true;
  return false;
}

function onlyLogSecrets({ environmentFiles: _, secrets = [], ...rest }: ContainerSpec): ContainerSpec {
  return { ...rest, secrets: secrets.filter(({ use }) => use === 'logDriver') };
}
