import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { CreateContainer, SharedNamespace } from '../runtime.ts';
import type { ContainerdClient } from './client.ts';
import type { StartPlan } from './container-record.ts';
import { findTask } from './task-process.ts';

/** First processes of the containers whose namespaces one joins; absent: it joins none of that kind. */
export interface NamespaceHolders {
  readonly pid?: number;
  readonly ipc?: number;
}

/** Finds them as they are now. CannotCreateContainerError when one of the containers does not run. */
export async function findHolders(
  client: ContainerdClient,
  { pid, ipc }: Pick<CreateContainer, 'pid' | 'ipc'>,
  signal: AbortSignal,
): Promise<NamespaceHolders> {
  const holderOf = async (id: ContainerId): Promise<number> => {
    const holder = await runningPid(client, id, signal);
    if (holder !== undefined) return holder;
    throw new TaskError('CannotCreateContainerError', `${NO_HOLDER} ${id} does not run`);
  };
  return {
    ...(isJoined(pid) && { pid: await holderOf(pid.id) }),
    ...(isJoined(ipc) && { ipc: await holderOf(ipc.id) }),
  };
}

/** What a start has to find again: process ids come back to others. */
export function plannedHolders(
  { pid, ipc }: Pick<CreateContainer, 'pid' | 'ipc'>,
  holders: NamespaceHolders,
): Pick<StartPlan, 'holders'> {
  const found = [
    ...(isJoined(pid) && holders.pid !== undefined ? [{ id: pid.id, pid: holders.pid }] : []),
    ...(isJoined(ipc) && holders.ipc !== undefined ? [{ id: ipc.id, pid: holders.ipc }] : []),
  ];
  return found.length === 0 ? {} : { holders: found };
}

/** CannotStartContainerError when a namespace that the container was made for is gone. */
export async function checkHolders(
  client: ContainerdClient,
  { holders = [] }: StartPlan,
  signal: AbortSignal,
): Promise<void> {
  for (const { id, pid } of holders)
    if ((await runningPid(client, id, signal)) !== pid)
      throw new TaskError('CannotStartContainerError', `${NO_HOLDER} ${id} does not run any more`);
}

const NO_HOLDER = 'cannot join the namespaces of another container:';

async function runningPid(
  client: ContainerdClient,
  id: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const task = await findTask(client, id, signal);
  return task?.status === 'running' ? task.pid : undefined;
}

function isJoined(
  namespace: CreateContainer['ipc'],
): namespace is Extract<SharedNamespace, { kind: 'container' }> {
  return namespace?.kind === 'container';
}
