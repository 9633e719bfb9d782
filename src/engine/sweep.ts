import type { Logger } from 'pino';
import { LABEL_CONTAINER_NAME, LABEL_TASK_ARN, type ListedContainer } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import type { StepPorts } from './step-context.ts';

/** Who is known, asked at the moment of each removal: tasks arrive while the sweep runs. */
export interface SweepScope {
  knowsContainer(id: ContainerId): boolean;
  knowsTask(id: TaskId): boolean;
  readonly signal: AbortSignal;
}

/**
 * Removes what carries our name and belongs to no task of the store: containers, logs, networks, volumes, cgroups.
 * The namespace is the agent's alone, so nobody else's things are ever met.
 */
export async function sweepLeftovers(
  ports: StepPorts,
  logger: Logger,
  listed: readonly ListedContainer[],
  scope: SweepScope,
): Promise<void> {
  const { signal } = scope;
  for (const { id, labels } of listed) {
    if (scope.knowsContainer(id)) continue;
    logger.warn(
      { containerId: id, task: labels[LABEL_TASK_ARN], container: labels[LABEL_CONTAINER_NAME] },
      'removing a container of a task that the store does not know',
    );
    await ports.runtime.removeContainer(id, { signal });
  }
  for (const id of await ports.logs.list({ signal }))
    if (!scope.knowsContainer(id)) await ports.logs.remove(id, { signal });
  await ports.network.removeLeftovers(scope, { signal });
  await ports.volumes.removeLeftovers(scope, { signal });
  for (const id of (await ports.cgroups?.list()) ?? [])
    if (!scope.knowsTask(id)) await ports.cgroups?.remove(id);
}
