import type { Logger } from 'pino';
import { withDeadline } from '../async/deadline.ts';
import { LABEL_CONTAINER_NAME, LABEL_TASK_ARN, type ListedContainer } from '../runtime/runtime.ts';
import type { ContainerId, TaskId } from '../task/ids.ts';
import { deadlinesOf, type StepPorts } from './step-context.ts';

/** Who is known, asked at the moment of each removal: tasks arrive while the sweep runs. */
export interface SweepScope {
  knowsContainer(id: ContainerId): boolean;
  knowsTask(id: TaskId): boolean;
  /** Takes over the containers of tasks that must be told to ECS; gives the others. */
  endTasks(unknown: readonly ListedContainer[]): readonly ListedContainer[];
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
  /** What cannot be removed now is there at the next sweep, and does not keep the rest. */
  const bounded = async (what: string, work: (within: AbortSignal) => Promise<unknown>): Promise<void> => {
    try {
      await withDeadline(`removing left ${what}`, deadlinesOf(ports).removeMs, signal, work);
    } catch (error) {
      signal.throwIfAborted();
      logger.warn({ err: error, what }, 'what is left could not be removed; trying again at the next sweep');
    }
  };
  for (const { id, labels } of scope.endTasks(listed.filter(({ id }) => !scope.knowsContainer(id)))) {
    if (scope.knowsContainer(id)) continue;
    logger.warn(
      { containerId: id, task: labels[LABEL_TASK_ARN], container: labels[LABEL_CONTAINER_NAME] },
      'removing a container of a task that the store does not know',
    );
    await bounded('container', (within) => ports.runtime.removeContainer(id, { signal: within }));
  }
  await bounded('logs', async (within) => {
    for (const id of await ports.logs.list({ signal: within }))
      if (!scope.knowsContainer(id)) await ports.logs.remove(id, { signal: within });
  });
  await bounded('networks', (within) => ports.network.removeLeftovers(scope, { signal: within }));
  await bounded('volumes', (within) => ports.volumes.removeLeftovers(scope, { signal: within }));
  await bounded('metadata files', async () => ports.metadataFiles?.removeLeftovers(scope));
  await bounded('cgroups', async () => {
    for (const id of (await ports.cgroups?.list()) ?? [])
      if (!scope.knowsTask(id)) await ports.cgroups?.remove(id);
  });
}
