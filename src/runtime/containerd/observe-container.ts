import type { ContainerId } from '../../task/ids.ts';
import type { ContainerObservation, ListedContainer } from '../runtime.ts';
import { isCgroupEmpty, ranOutOfMemory } from './container-cgroup.ts';
import { type ContainerRecord, findRecord, listRecords, type StartedFacts } from './container-record.ts';
import { KILLED_STATUS } from './container-watch.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { type ContainerdTask, findTask, parseTask } from './task-process.ts';

/** What a container is right now, from containerd's record and task and from what its watch has seen. */
export async function observeContainer(
  context: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<ContainerObservation> {
  const [record, task] = await Promise.all([
    findRecord(context.client, id, signal),
    findTask(context.client, id, signal),
  ]);
  return record === undefined ? { state: 'absent' } : await describe(context, id, record, task);
}

/** All containers of ours. Those that run, or end just now, are watched from then on (CTD-30). */
export async function listContainers(
  context: RuntimeContext,
  signal: AbortSignal,
): Promise<readonly ListedContainer[]> {
  const [records, { tasks }] = await Promise.all([
    listRecords(context.client, signal),
    context.client.unary('tasks', 'List', {}, { signal }),
  ]);
  const processes = new Map(tasks.map((process) => [process.id || process.containerId, process]));
  return await Promise.all(
    records.map(async (record) => {
      const { id, labels, keepsake } = record;
      const process = processes.get(id);
      const task = process && (parseTask(process) ?? (await findTask(context.client, id, signal)));
      const observation = await describe(context, id, record, task);
      if (observation.state === 'running') {
        await context.shims.noteIfMissing(id, observation.pid);
        context.watches.adopt(id, record.started ?? {});
      }
      return { id, labels, observation, ...(keepsake !== undefined && { keepsake }) };
    }),
  );
}

async function describe(
  { watches, shims }: RuntimeContext,
  id: ContainerId,
  { started }: ContainerRecord,
  task: ContainerdTask | undefined,
): Promise<ContainerObservation> {
  const watch = watches.find(id);
  if (watch?.exit !== undefined) return { state: 'exited', exit: watch.exit };
  if (started === undefined || task?.status === 'created') return { state: 'created' };
  // Its end is being made out: it counts as running until that is told.
  if (watch !== undefined)
    return { state: 'running', pid: task?.status === 'running' ? task.pid : started.pid };
  switch (task?.status) {
    case undefined: {
      // Ended while containerd was away, and its shim was asked then; released otherwise.
      const told = await shims.exitOf(id);
      return told === undefined ? { state: 'released' } : await ended(started, told);
    }
    case 'running':
      return { state: 'running', pid: task.pid };
    case 'stopped':
      return await ended(started, task);
  }
}

/** Its first process has ended; it counts as running while others of it are there. */
async function ended(
  { cgroup, pid, at, run }: StartedFacts,
  { exitStatus, exitedAt }: { readonly exitStatus: number; readonly exitedAt?: number },
): Promise<ContainerObservation> {
  if (cgroup !== undefined && !(await isCgroupEmpty(cgroup))) return { state: 'running', pid };
  const oomKilled =
    exitStatus === KILLED_STATUS && cgroup !== undefined && (await ranOutOfMemory(cgroup, { killed: false }));
  const which = { ...(run !== undefined && { run }) };
  return { state: 'exited', exit: { exitCode: exitStatus, exitedAt: exitedAt ?? at, oomKilled, ...which } };
}
