import { withDeadline } from '../../async/deadline.ts';
import type { TaskEvent } from '../../task/event.ts';
import { taskIdOf } from '../../task/ids.ts';
import { taskLimits } from '../container-limits.ts';
import { deadlinesOf, type StepContext } from '../step-context.ts';

/** Makes the task's cgroup with the task's limits, and its volumes. */
export async function ensureResources(context: StepContext): Promise<TaskEvent> {
  const { spec } = context.task;
  await withDeadline(
    "making the task's cgroup and volumes",
    deadlinesOf(context).resourcesMs,
    context.signal,
    async (signal) => {
      await context.cgroups?.ensure(taskIdOf(spec.arn), taskLimits(spec));
      await context.volumes.ensureTaskVolumes(spec, { signal });
    },
  );
  return { kind: 'resourcesReady' };
}

/** Brings secrets and environment files into memory; each call of it has its own deadline. */
export async function fetchSecrets(context: StepContext): Promise<TaskEvent> {
  await context.secrets.fetch(context.task.spec, { signal: context.signal });
  return { kind: 'secretsFetched' };
}

/** Gives back the ENI of a task that is over. */
export async function releaseTaskNetwork(context: StepContext): Promise<TaskEvent> {
  await withDeadline(
    "giving back the task's ENI",
    deadlinesOf(context).releaseMs,
    context.signal,
    async (signal) => {
      await context.network.releaseTaskNetwork(context.task.spec, { signal });
    },
  );
  return { kind: 'taskNetworkReleased' };
}

/** Removes the cgroup, the task's network and files and its own volumes. */
export async function removeResources(context: StepContext): Promise<TaskEvent> {
  const { spec } = context.task;
  await withDeadline(
    "removing the task's network, cgroup and volumes",
    deadlinesOf(context).removeMs,
    context.signal,
    async (signal) => {
      await context.network.removeTaskNetwork(spec, { signal });
      await context.cgroups?.remove(taskIdOf(spec.arn));
      await context.volumes.removeTask(taskIdOf(spec.arn), { signal });
      await context.metadataFiles?.removeTask(spec.arn);
    },
  );
  context.secrets.forget(spec.arn);
  return { kind: 'resourcesRemoved' };
}
