import { sleep } from '../../async/deadline.ts';
import type { ContainerdClient } from './client.ts';
import { hasCode } from './containerd-error.ts';
import type { Process__Output } from './generated/containerd/v1/types/Process.ts';
import { epochMsOf } from './timestamps.ts';

const SIGKILL = 9;
const UNKNOWN_STATUS_TRIES = 50;
const UNKNOWN_STATUS_PAUSE_MS = 100;

/** A containerd task's first process. */
export type ContainerdTask =
  | { readonly status: 'created'; readonly pid: number }
  | { readonly status: 'running'; readonly pid: number }
  | { readonly status: 'stopped'; readonly exitStatus: number; readonly exitedAt?: number };

/** Reads what Tasks.Get and Tasks.List give; undefined while containerd itself does not know the status. */
export function parseTask(process: Process__Output | null): ContainerdTask | undefined {
  switch (process?.status) {
    case 'CREATED':
      return { status: 'created', pid: process.pid };
    case 'RUNNING':
    case 'PAUSED':
    case 'PAUSING':
      return { status: 'running', pid: process.pid };
    case 'STOPPED': {
      const exitedAt = epochMsOf(process.exitedAt);
      return {
        status: 'stopped',
        exitStatus: process.exitStatus,
        ...(exitedAt !== undefined && { exitedAt }),
      };
    }
    default:
      return undefined;
  }
}

/** The task of a container as it is now; undefined when there is none. */
export async function findTask(
  client: ContainerdClient,
  containerId: string,
  signal: AbortSignal,
): Promise<ContainerdTask | undefined> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { process } = await client.unary('tasks', 'Get', { containerId }, { signal });
      const task = parseTask(process);
      if (task !== undefined) return task;
      if (tries >= UNKNOWN_STATUS_TRIES)
        throw new Error(`containerd does not know the status of container ${containerId}`);
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return undefined;
      // A shim that has just died: containerd is about to notice and to remove the task.
      if (!hasCode(error, 'UNKNOWN') || tries >= UNKNOWN_STATUS_TRIES) throw error;
    }
    await sleep(UNKNOWN_STATUS_PAUSE_MS, signal);
  }
}

/** Signals a process; false when it is gone already (CTD-65). */
export async function killProcess(
  client: ContainerdClient,
  request: { containerId: string; execId?: string; signal: number; all?: boolean },
  options: { signal: AbortSignal; timeoutMs?: number },
): Promise<boolean> {
  try {
    await client.unary('tasks', 'Kill', request, options);
    return true;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return false;
    throw error;
  }
}

/**
 * Deletes an ended or never started task; one that is gone already is fine. While containerd cleans up after
 * a dead shim it refuses for a moment.
 */
export async function deleteTask(
  client: ContainerdClient,
  containerId: string,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await client.unary('tasks', 'Delete', { containerId }, { signal });
      return;
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return;
      if (!hasCode(error, 'UNKNOWN') || tries >= UNKNOWN_STATUS_TRIES) throw error;
      const task = await findTask(client, containerId, signal);
      if (task === undefined) return;
      if (task.status === 'running') throw error;
    }
    await sleep(UNKNOWN_STATUS_PAUSE_MS, signal);
  }
}

/**
 * Kills every process of a task and deletes it; no task is fine. For a task whose end is of no interest,
 * under a signal that outlives its caller's.
 */
export async function destroyTask(
  client: ContainerdClient,
  containerId: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<void> {
  // Only an ended task can be deleted, and its end follows the kill by a while.
  const ended = client.unary('tasks', 'Wait', { containerId }, options);
  ended.catch(() => undefined);
  if (await killProcess(client, { containerId, signal: SIGKILL, all: true }, options)) await ended;
  await deleteTask(client, containerId, options.signal);
}
