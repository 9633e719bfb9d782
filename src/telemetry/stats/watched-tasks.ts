import { containerDisplayName, containerIdOf } from '../../task/ids.ts';
import { isInternal } from '../../task/internal-containers.ts';
import type { TaskState } from '../../task/task-state.ts';
import type { TaskMeasurements } from './metrics-requests.ts';
import type { StatsSampler, WatchedContainer } from './stats-sampler.ts';

/** Modes in which containers have interfaces of their own. */
const OWN_INTERFACES: ReadonlySet<string> = new Set(['bridge', 'awsvpc']);

/** Every container that runs; internal ones are nothing that users are told of (tcs.md §7). */
export function watchedContainers(tasks: readonly TaskState[]): readonly WatchedContainer[] {
  return tasks.flatMap(({ spec, containers }) =>
    containers.flatMap(({ name, known, pid, generation, restarts }) => {
      if (known !== 'RUNNING' || pid === undefined || isInternal(spec, name)) return [];
      const id = containerIdOf(spec.arn, name, generation);
      return {
        id,
        name: containerDisplayName(spec.family, spec.version, name, id),
        pid,
        hasInterfaces: OWN_INTERFACES.has(spec.networkMode),
        ...(hasRestartPolicy(spec, name) && { restarts: restarts?.count ?? 0 }),
      };
    }),
  );
}

/** What the running containers of all tasks have for the next report; it counts as reported. */
export function takeMeasurements(
  tasks: readonly TaskState[],
  sampler: StatsSampler,
): readonly TaskMeasurements[] {
  return tasks.map(({ spec, containers }) => ({
    taskArn: spec.arn,
    family: spec.family,
    version: spec.version,
    containers: containers.flatMap(({ name, known, generation }) => {
      if (known !== 'RUNNING') return [];
      const unsent = sampler.takeUnsent(containerIdOf(spec.arn, name, generation));
      return unsent === undefined ? [] : [{ name, ...unsent }];
    }),
  }));
}

function hasRestartPolicy({ containers }: TaskState['spec'], name: string): boolean {
  return containers.some((one) => one.name === name && one.restartPolicy !== undefined);
}
