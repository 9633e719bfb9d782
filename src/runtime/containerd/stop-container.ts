import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { abortable } from '../../async/abortable.ts';
import { steadyNow } from '../../async/clock.ts';
import { sleep } from '../../async/deadline.ts';
import { signalProcess } from '../../host/signal-process.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { ContainerExit, StopContainer } from '../runtime.ts';
import { unpackAny } from './any.ts';
import { isCgroupEmpty, killCgroup, ranOutOfMemory } from './container-cgroup.ts';
import { type ContainerRecord, findRecord } from './container-record.ts';
import type { ContainerWatch } from './container-watch.ts';
import { EXIT_LOST, KILLED_STATUS } from './container-watch.ts';
import { hasCode } from './containerd-error.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { signalNumber } from './signals.ts';
import { destroyTask, findTask, killProcess } from './task-process.ts';

const SIGTERM = 15;
const SIGKILL = 9;
/** A shim that does not answer a kill by then is passed over: the cgroup needs no shim. */
const KILL_TIMEOUT_MS = 5_000;
const KILL_EFFECT_MS = 2_000;
const DESTROY_TIMEOUT_MS = 30_000;
const RUNC_SHIM = 'io.containerd.runc.v2';
/** OCI runtimes by whose `kill` the first process gets the signal and nothing else happens; '': runc. */
const SIGNALLING_RUNTIMES = ['', 'runc', 'crun'];
const WATCHED = { status: 'running' } as const;

/**
 * Stops a container and proves its process tree gone (CTD-21):
 *
 *   stop signal ─► until killAtMs ─► SIGKILL to all ─► 2 s ─► cgroup kill ─► again, until nothing is left
 */
export async function stopContainer(
  context: RuntimeContext,
  id: ContainerId,
  request: StopContainer,
  signal: AbortSignal,
): Promise<ContainerExit | undefined> {
  const { client, watches } = context;
  const record = await findRecord(client, id, signal);
  const known = watches.find(id);
  if (record === undefined || known?.exit !== undefined) return known?.exit;
  // What is watched was started, and its end is told by nobody before the watch.
  const task = known === undefined ? await findTask(client, id, signal) : WATCHED;
  if (record.started === undefined || task?.status === 'created') {
    if (task !== undefined) await endUnstarted(context, id, signal);
    return undefined;
  }
  if (task === undefined && watches.find(id) === undefined) return await lostExit(context, record, signal);
  const watch = watches.adopt(id, record.started);
  if (task?.status === 'running') await climbLadder(context, record, watch, request, signal);
  return await abortable(watch.exited, signal);
}

async function climbLadder(
  context: RuntimeContext,
  record: ContainerRecord,
  watch: ContainerWatch,
  { stopSignal, killAtMs }: StopContainer,
  signal: AbortSignal,
): Promise<void> {
  const { client } = context;
  const containerId = record.id;
  if (killAtMs > steadyNow()) {
    const gentle = signalNumber(stopSignal ?? '') ?? signalNumber(record.plan.stopSignal) ?? SIGTERM;
    try {
      if (!signalDirectly(context, record, gentle))
        await killProcess(client, { containerId, signal: gentle }, { signal, timeoutMs: KILL_TIMEOUT_MS });
    } catch (error) {
      signal.throwIfAborted();
      // A shim that is hung or dead cannot pass it on; SIGKILL and the cgroup come later.
      if (hasCode(error, 'UNAVAILABLE')) throw error;
    }
    if (await exitsWithin(watch, killAtMs - steadyNow(), signal)) return;
  }
  watch.noteKill();
  for (;;) {
    try {
      const options = { signal, timeoutMs: KILL_TIMEOUT_MS };
      await killProcess(client, { containerId, signal: SIGKILL, all: true }, options);
      if (await exitsWithin(watch, KILL_EFFECT_MS, signal)) return;
    } catch (error) {
      signal.throwIfAborted();
      if (watch.cgroup !== undefined) await killCgroup(watch.cgroup);
      if (hasCode(error, 'UNAVAILABLE')) throw error;
    }
    if (watch.cgroup !== undefined) await killCgroup(watch.cgroup);
    if (await exitsWithin(watch, KILL_EFFECT_MS, signal)) return;
  }
}

/**
 * Signals the first process without the way through containerd, its shim and a run of the OCI runtime (15 ms), where
 * that would come to the same. False: it would not, or the process is not to be seen from here.
 */
function signalDirectly(
  { client, runtimeName }: RuntimeContext,
  { id, started, container }: ContainerRecord,
  signal: number,
): boolean {
  const options = unpackAny(client.api, 'containerd.runc.v1.Options', container.runtime?.options ?? null);
  const runtime = basename(options?.binaryName ?? '');
  if (started === undefined || runtimeName !== RUNC_SHIM || !SIGNALLING_RUNTIMES.includes(runtime))
    return false;
  return signalProcess(started.pid, signal, () => isOfContainer(started.pid, id));
}

function isOfContainer(pid: number, id: ContainerId): boolean {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(id);
  } catch {
    return false;
  }
}

/** A task that was made and not started has a waiting process of the OCI runtime: it goes without an exit. */
async function endUnstarted(
  { client, watches }: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<void> {
  watches.forget(id);
  await destroyTask(client, id, { signal, timeoutMs: DESTROY_TIMEOUT_MS });
}

/** It ran, but neither containerd nor this process saw its end: see that nothing is left of it. */
async function lostExit(
  { shims }: RuntimeContext,
  { id, started }: ContainerRecord,
  signal: AbortSignal,
): Promise<ContainerExit> {
  const cgroup = started?.cgroup;
  while (cgroup !== undefined && !(await isCgroupEmpty(cgroup))) {
    await killCgroup(cgroup);
    await sleep(50, signal);
  }
  const told = await shims.exitOf(id);
  const which = { ...(started?.run !== undefined && { run: started.run }) };
  if (told === undefined) return { exitedAt: Date.now(), oomKilled: false, ...which, detail: EXIT_LOST };
  const oomKilled =
    told.exitStatus === KILLED_STATUS &&
    cgroup !== undefined &&
    (await ranOutOfMemory(cgroup, { killed: false }));
  return { exitCode: told.exitStatus, exitedAt: told.exitedAt ?? Date.now(), oomKilled, ...which };
}

async function exitsWithin(watch: ContainerWatch, ms: number, signal: AbortSignal): Promise<boolean> {
  const timer = new AbortController();
  const timedOut = sleep(Math.max(0, ms), AbortSignal.any([signal, timer.signal])).then(() => false);
  timedOut.catch(() => undefined);
  try {
    return await Promise.race([watch.exited.then(() => true), timedOut]);
  } finally {
    timer.abort(new Error('the wait is over'));
  }
}
