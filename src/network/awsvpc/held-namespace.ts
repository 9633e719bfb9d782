import { closeSync, openSync } from 'node:fs';
import { bindNetworkNamespace, isNetworkNamespace } from '../../host/netns.ts';
import type { ContainerRuntime } from '../../runtime/runtime.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';

/** Tells of the containers that hold network namespaces. */
export type Holders = Pick<ContainerRuntime, 'observeContainer'>;

/**
 * Binds the network namespace of a running container to `path`; bound already: success. It outlives the container
 * there, so that what was moved into it can be taken out again however the container ended. Rejects with a
 * `TaskError` when the container does not run.
 */
export async function bindHeldNamespace(
  path: string,
  holder: ContainerId,
  holders: Holders,
  { ipv6, signal }: { readonly ipv6: boolean; readonly signal: AbortSignal },
): Promise<void> {
  if (isNetworkNamespace(path)) return;
  const pid = await pidOf(holder, holders, signal);
  const namespace = openNamespaceOf(pid);
  try {
    // The process had this number before and has it now: nobody else had it when its namespace was opened.
    if ((await pidOf(holder, holders, signal)) !== pid) throw notRunning('has been started again meanwhile');
    bindNetworkNamespace(namespace, path, { ipv6 });
  } finally {
    closeSync(namespace);
  }
}

async function pidOf(holder: ContainerId, holders: Holders, signal: AbortSignal): Promise<number> {
  const observation = await holders.observeContainer(holder, { signal });
  if (observation.state !== 'running') throw notRunning(`is ${observation.state}`);
  return observation.pid;
}

function openNamespaceOf(pid: number): number {
  try {
    return openSync(`/proc/${pid}/ns/net`, 'r');
  } catch (cause) {
    throw notRunning(
      `has no process ${pid} here; the agent has to be in the PID namespace of the runtime`,
      cause,
    );
  }
}

function notRunning(how: string, cause?: unknown): TaskError {
  return new TaskError(
    'ContainerNetworkingError',
    `the container that holds the network namespace of the task ${how}`,
    { cause },
  );
}
