import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sleep } from '../../async/deadline.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { ContainerExit, StartedContainer, StartOptions } from '../runtime.ts';
import type { StartSignals } from '../starts-in-flight.ts';
import { cgroupOf, isCgroupEmpty, killCgroup } from './container-cgroup.ts';
import { findRecord, markStarted, type StartedFacts } from './container-record.ts';
import { type ContainerWatch, KILLED_STATUS } from './container-watch.ts';
import { ContainerdError, hasCode } from './containerd-error.ts';
import { helpCutStart } from './cut-start.ts';
import type { FreshContainer } from './fresh-containers.ts';
import { clearLeftBundle, isRefusal, isShimMissing, leftBundle } from './left-bundle.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { checkHolders } from './shared-namespaces.ts';
import { ensureShm } from './shared-shm.ts';
import { type ContainerdTask, deleteTask, destroyTask, findTask } from './task-process.ts';

const CLEANUP_TIMEOUT_MS = 30_000;
const MAKE_TRIES = 3;
/** So long an earlier creation, or its removal, may need to get out of the way. */
const SHIM_RETRY_PAUSE_MS = 500;
/** By the shim and by containerd, on all its versions, before anything of the task is run. */
const NO_TASK = /\b(container not created|(task|process) \S+ not found)\b/;
/** By the shim and by runc: the process that is to become the container's program has ended while it waited. */
const DIED_EARLY = /cannot start a (stopped process|container that has stopped)/;
/** How long the end of a task that is gone may take to be known. */
const EXIT_PATIENCE_MS = 300;
const HALF_MADE_MS = 1_000;
const HALF_MADE_PAUSE_MS = 50;

/** What happened to a container before this start, and what has to happen before its process runs. */
export interface StartHistory extends Pick<StartOptions, 'beforeProcess'> {
  /** Number of the run that has ended and that the new one follows; absent: it never ran. */
  readonly afterRun?: number;
  /** This process has created it; else an earlier agent may have died while containerd was starting it. */
  readonly isOurs: boolean;
}

/**
 * Starts a container's process, or goes on where an earlier run stopped. The call that makes the task is not
 * cut by the caller's signal, as a cancelled one can leave its shim behind (containerd.md §1): it is waited
 * for and undone. A failure is a CannotStartContainerError with the runtime's text and leaves no task (CTD-64).
 */
export async function startContainer(
  context: RuntimeContext,
  id: ContainerId,
  signals: StartSignals,
  { afterRun, isOurs, beforeProcess }: StartHistory,
): Promise<StartedContainer> {
  const { client } = context;
  const found = context.fresh.take(id) ?? (await findUnstarted(context, id, signals.signal, afterRun));
  if ('pid' in found) return found;
  await checkHolders(client, found.plan, signals.signal);
  await ensureShm(found.plan, signals.signal);
  const run = afterRun === undefined ? {} : { run: afterRun + 1 };
  return await context.startGate.run(signals.signal, () =>
    beside(signals.signal, beforeProcess, (completed) =>
      launch(context, id, found, { ...run, isOurs, completed }, signals),
    ),
  );
}

/** Does `work` beside what has to be done before the process; that has ended, well or not, when this has. */
async function beside<T>(
  signal: AbortSignal,
  beforeProcess: StartOptions['beforeProcess'],
  work: (completed: Promise<void>) => Promise<T>,
): Promise<T> {
  const over = new AbortController();
  const completed = beforeProcess?.({ signal: AbortSignal.any([signal, over.signal]) }) ?? Promise.resolve();
  completed.catch(() => undefined);
  try {
    return await work(completed);
  } catch (error) {
    over.abort(error);
    await completed.catch(() => undefined);
    throw error;
  }
}

interface LaunchOptions {
  readonly run?: number;
  readonly isOurs: boolean;
  /** What has to be done before the process. */
  readonly completed: Promise<void>;
}

async function launch(
  context: RuntimeContext,
  id: ContainerId,
  found: FreshContainer,
  { run, isOurs, completed }: LaunchOptions,
  signals: StartSignals,
): Promise<StartedContainer> {
  const which = run === undefined ? {} : { run };
  for (let tries = 1; ; tries += 1) {
    const pid = await makeTask(context, id, found, signals, isOurs ? isShimMissing : isRefusal);
    try {
      await completed;
      signals.signal.throwIfAborted();
      return await startTask(context, id, { pid, ...which }, signals.cancel);
    } catch (error) {
      // A task that an agent made as it died: containerd was giving it up, and it went before it could be started.
      const wasGivenUp = !isOurs && hasCode(error, 'NOT_FOUND') && !(await mayHaveRun(context, id, error));
      const toTell = await undone(context, id, error, signals.signal);
      if (!wasGivenUp || tries > MAKE_TRIES || signals.signal.aborted) throw toTell;
      context.log.info(
        { containerId: id },
        'the task of an earlier agent went before its start; making another',
      );
    }
  }
}

/** What there is to be started, by containerd's record, or what runs already. */
async function findUnstarted(
  context: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
  afterRun: number | undefined,
): Promise<FreshContainer | StartedContainer> {
  const { client, snapshotter } = context;
  const record = await findRecord(client, id, signal);
  if (record === undefined)
    throw new TaskError(
      'CannotStartContainerError',
      `No such container: ${id}; it was never created or is removed`,
    );
  const { started, plan, container } = record;
  if (started !== undefined) {
    const isOver = afterRun !== undefined && (started.run ?? 0) <= afterRun;
    const existing = isOver
      ? await freeEnded(context, id, signal)
      : await resumeStarted(context, id, started, signal);
    if (existing !== undefined) return existing;
  }
  const { mounts } = await client.unary('snapshots', 'Mounts', { snapshotter, key: id }, { signal });
  return { plan, options: container.runtime?.options ?? null, mounts };
}

/**
 * Lets go of the task of a run that has ended, for the next one; how it ended stays known till then. One that
 * runs is the next one already, whatever its record says.
 */
async function freeEnded(
  { client, shims }: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<StartedContainer | undefined> {
  const task = await findTask(client, id, signal);
  if (task?.status === 'running') return { pid: task.pid, startedAt: Date.now() };
  if (task?.status === 'stopped') await deleteTask(client, id, signal);
  await shims.forget(id);
  return undefined;
}

/** What is known of a container that was started before; undefined when its process still has to be started. */
async function resumeStarted(
  { client, watches }: RuntimeContext,
  id: ContainerId,
  started: StartedFacts,
  signal: AbortSignal,
): Promise<StartedContainer | undefined> {
  const task = await findTask(client, id, signal);
  if (task?.status === 'created') return undefined;
  if (watches.find(id) === undefined) {
    const watch = watches.create(id, started);
    if (task === undefined) watch.beginLost();
    else if (task.status === 'stopped') watch.beginEnded(task);
    else watch.begin();
  }
  return { pid: task?.status === 'running' ? task.pid : started.pid, startedAt: started.at };
}

/**
 * Has containerd make the task, unless an earlier run did; gives the pid of its waiting first process. Nothing of
 * the container has run when that fails, so what `mayPass` is tried again.
 */
async function makeTask(
  context: RuntimeContext,
  id: ContainerId,
  { plan, options, mounts }: FreshContainer,
  signals: StartSignals,
  mayPass: (error: unknown) => boolean,
): Promise<number> {
  const { client, silentShims } = context;
  if (plan.stdin !== '') await ensureStdin(plan.stdin);
  const request = {
    containerId: id,
    rootfs: [...mounts],
    stdin: plan.stdin,
    stdout: plan.stdout,
    stderr: plan.stderr,
    terminal: plan.terminal,
    options,
  };
  using _watch = silentShims.duringMake();
  for (let tries = 1; ; tries += 1) {
    try {
      const { pid } = await client.unary('tasks', 'Create', request, { signal: signals.cancel });
      return pid;
    } catch (error) {
      if (tries <= MAKE_TRIES && mayPass(error)) {
        const bundle = leftBundle(error, client.namespace, id);
        if (bundle === undefined) await sleep(SHIM_RETRY_PAUSE_MS, signals.signal);
        if (bundle === undefined || (await clearLeftBundle(bundle, signals.signal))) continue;
      }
      if (!hasCode(error, 'ALREADY_EXISTS') || tries > MAKE_TRIES)
        throw await undone(context, id, error, signals.signal);
      const task = await findHalfMade(context, id, signals.signal);
      if (task?.status === 'created') return task.pid;
      if (task?.status === 'running') throw await undone(context, id, error, signals.signal);
      // Its waiting first process died before it was ever started, or was never made.
      await deleteTask(client, id, signals.signal);
    }
  }
}

/** A containerd that was killed in the middle leaves a shim that may still be making the process. */
async function findHalfMade(
  { client }: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<ContainerdTask | undefined> {
  const giveUpAt = performance.now() + HALF_MADE_MS;
  for (;;) {
    const task = await findTask(client, id, signal);
    if (task !== undefined || performance.now() >= giveUpAt) return task;
    await sleep(HALF_MADE_PAUSE_MS, signal);
  }
}

/** One FIFO for all containers with an open stdin: nobody ever writes to it, so a read waits, as in Docker. */
async function ensureStdin(path: string): Promise<void> {
  const { ensureFifo } = await import('../../host/pipe-io.ts');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  ensureFifo(path, 0o600);
}

async function startTask(
  context: RuntimeContext,
  id: ContainerId,
  { pid, run }: { readonly pid: number; readonly run?: number },
  signal: AbortSignal,
): Promise<StartedContainer> {
  const { client, watches, shims, log } = context;
  const cgroup = await cgroupOf(pid, id);
  const which = { ...(run !== undefined && { run }), ...(cgroup !== undefined && { cgroup }) };
  const watch = watches.create(id, which);
  watch.begin();
  const startedAt = Date.now();
  await Promise.all([markStarted(client, id, { at: startedAt, pid, ...which }, signal), shims.note(id, pid)]);
  const onHelped = () => log.info({ containerId: id }, 'a start that was cut off before has been completed');
  using _help = helpCutStart({ namespace: client.namespace, id, pid, onHelped });
  await client.unary('tasks', 'Start', { containerId: id }, { signal });
  return { pid, startedAt };
}

/**
 * Whether a container of which its start found no task may have run all the same: such a one must not be started again.
 * containerd looks at the task once more after it has started it, and what it finds then, when the task has ended and
 * another has deleted it, reads the same; the watch, which was there before the start, has learnt of that end. Where
 * containerd has lost its shim in between it says `not found` and no more.
 */
async function mayHaveRun(
  { watches }: RuntimeContext,
  id: ContainerId,
  { details }: ContainerdError,
): Promise<boolean> {
  if (!NO_TASK.test(details)) return true;
  const exit = await soonEnded(watches.find(id));
  return exit?.exitCode !== undefined && exit.exitCode !== KILLED_STATUS;
}

/** Removes what there is of a task that did not start, unless containerd is away; gives the error to tell. */
async function undone(
  context: RuntimeContext,
  id: ContainerId,
  error: unknown,
  callers: AbortSignal,
): Promise<unknown> {
  const { client, watches, shims, log } = context;
  const watch = watches.find(id);
  const diedEarly = error instanceof ContainerdError && DIED_EARLY.test(error.details);
  const end = diedEarly ? await soonEnded(watch) : undefined;
  watches.forget(id);
  if (hasCode(error, 'UNAVAILABLE')) return error;
  const { signal } = new AbortController();
  try {
    await destroyTask(client, id, { signal, timeoutMs: CLEANUP_TIMEOUT_MS });
    // What runs under a shim that containerd has lost would go on.
    const cgroup = watch?.cgroup;
    if (cgroup !== undefined && !(await isCgroupEmpty(cgroup))) await killCgroup(cgroup);
    await markStarted(client, id, undefined, signal);
    await shims.forget(id);
  } catch (cleanupError) {
    log.warn({ error: cleanupError, containerId: id }, 'removing a task that did not start failed');
  }
  if (callers.aborted) return callers.reason;
  if (!(error instanceof ContainerdError)) return error;
  const details = end === undefined ? error.details : `${error.details}: ${describeEarlyEnd(end)}`;
  return new TaskError('CannotStartContainerError', details, {
    cause: error,
    retryable: hasCode(error, 'DEADLINE_EXCEEDED'),
  });
}

/** How a process ended that does not run any more; undefined when nobody tells it in time. */
async function soonEnded(watch: ContainerWatch | undefined): Promise<ContainerExit | undefined> {
  return (await Promise.race([watch?.exited, sleep(EXIT_PATIENCE_MS)])) ?? undefined;
}

/** What became of a process that waited for its start, in words for whoever wrote the task definition. */
function describeEarlyEnd({ oomKilled, exitCode }: ContainerExit): string {
  return oomKilled
    ? "the memory limit was reached before the container's program began; it needs more memory"
    : `it ended with exit code ${exitCode ?? 'unknown'} before the container's program began`;
}
