import { readFile } from 'node:fs/promises';
import { sleep } from '../../async/deadline.ts';
import { LABEL_TASK_ARN } from '../runtime.ts';
import { type ContainerRecord, listRecords } from './container-record.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { allPids, endShim, shimPids } from './shim/shim-processes.ts';
import { findTask } from './task-process.ts';

/** How long a shim may take to end by itself. */
const PATIENCE_MS = 1_000;
const PAUSE_MS = 50;

/**
 * Ends shims that were started for a container and that containerd has forgotten: before version 2.0 it leaves the
 * one behind that it was starting when whoever asked for it went away (containerd.md §1). To be called while the
 * container has its record and no containerd task any more. A shim that still serves another container of the
 * ECS task is left alone, and so is one with a process.
 */
export async function endLostShims(
  context: RuntimeContext,
  record: ContainerRecord,
  signal: AbortSignal,
): Promise<void> {
  const find = () => shimPids(context.client.namespace, record.id);
  if ((await find()).length === 0 || (await servesAnother(context, record, signal))) return;
  // One whose task was deleted just now ends by itself.
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < giveUpAt && (await find()).length > 0) await sleep(PAUSE_MS, signal);
  const parents = new Set(await Promise.all((await allPids()).map(readParent)));
  for (const pid of await find()) {
    if (parents.has(pid)) continue;
    context.log.warn({ pid, containerId: record.id }, 'ending a shim that containerd has forgotten');
    endShim(pid);
  }
}

/** One shim serves the containers of an ECS task and is named after the first of them. */
async function servesAnother(
  { client }: RuntimeContext,
  { id, labels }: ContainerRecord,
  signal: AbortSignal,
): Promise<boolean> {
  const siblings = (await listRecords(client, signal)).filter(
    (other) => other.id !== id && other.labels[LABEL_TASK_ARN] === labels[LABEL_TASK_ARN],
  );
  const tasks = await Promise.all(siblings.map((sibling) => findTask(client, sibling.id, signal)));
  return tasks.some((task) => task !== undefined);
}

/** proc_pid_stat(5): the fourth field, behind a name that may hold anything. */
async function readParent(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}
