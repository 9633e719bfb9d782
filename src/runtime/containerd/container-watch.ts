import { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { ContainerExit } from '../runtime.ts';
import type { ContainerdClient } from './client.ts';
import { type CgroupFolders, isCgroupEmpty, killCgroup, ranOutOfMemory } from './container-cgroup.ts';
import { hasCode } from './containerd-error.ts';
import type { RuntimeLog } from './runtime-log.ts';
import type { ShimExit, ShimNotes } from './shim/shim-notes.ts';
import { type ContainerdTask, findTask } from './task-process.ts';
import { epochMsOf } from './timestamps.ts';

/** 128 + SIGKILL. */
export const KILLED_STATUS = 137;
/** How long an exit event waits for the answer to Wait, which knows more when the shim has died. */
const EVENT_PATIENCE_MS = 300;
/** How long a shim that has been asked may take longer than containerd, which says that there is no task. */
const SHIM_PATIENCE_MS = 1000;
const RETRY = { minMs: 50, maxMs: 1000, factor: 2, jitter: 0.1 };

export const SHIM_DIED =
  'the runtime of the task was lost: its shim process died, and every process of the container was killed';
export const EXIT_LOST =
  'the container ended while containerd was not running, and its exit code was lost: its shim process was not there either to tell it';

export interface WatchContext {
  readonly client: ContainerdClient;
  readonly shims: ShimNotes;
  readonly log: RuntimeLog;
  /** Resolves while containerd's event stream is open. */
  readonly whenConnected: () => Promise<void>;
  /** Called once, with the one exit. */
  readonly onExit: (exit: ContainerExit) => void;
}

/** What of a run is watched. */
export interface WatchedRun {
  /** Which of the container's runs; absent: the first. */
  readonly run?: number;
  readonly cgroup?: CgroupFolders;
}

interface Ending {
  readonly exitStatus?: number;
  readonly exitedAt?: number | undefined;
  readonly detail?: string;
}

/**
 * Waits for the end of one running container and finds out how it ended, exactly once, whatever tells first:
 *
 *   waiting ─Wait or shim answered─────► ended ─cgroup empty─► settled ─released─► published
 *      │ ├──exit event, Wait silent────►   ▲
 *      │ └──Wait failed──► looking ─STOPPED┤  containerd's answer, or the shim's own, whichever is first
 *      │                     │ └─RUNNING─► waiting
 *      └── abandoned         └─NOT_FOUND──►┘  shim died: 137; containerd was away: code unknown
 *
 * The shim is asked by itself too, from the start on: a container's end is known, and told, also while containerd is
 * away, and a containerd that comes back in an instant cannot have the shim forget it first.
 * Between the end and its report lie only reads of the cgroup's files, no call to containerd (CTD-36).
 */
export class ContainerWatch {
  readonly id: ContainerId;
  readonly cgroup: CgroupFolders | undefined;
  /** Resolves when every process of the container is gone; stays pending when abandoned. */
  readonly exited: Promise<ContainerExit>;
  readonly #run: number | undefined;
  readonly #context: WatchContext;
  readonly #stopping = new AbortController();
  readonly #settled = Promise.withResolvers<ContainerExit>();
  readonly #event = Promise.withResolvers<Ending>();
  readonly #told = Promise.withResolvers<Ending>();
  /** Aborts when nothing more has to be learnt from the shim. */
  readonly #heard = new AbortController();
  #listening: Promise<ShimExit | undefined> | undefined;
  #exit: ContainerExit | undefined;
  #oomSeen = false;
  #killed = false;
  #released = false;

  constructor(id: ContainerId, { run, cgroup }: WatchedRun, context: WatchContext) {
    this.id = id;
    this.#run = run;
    this.cgroup = cgroup;
    this.#context = context;
    this.exited = this.#settled.promise;
  }

  /** How it ended, if it has and no process is left. */
  get exit(): ContainerExit | undefined {
    return this.#exit;
  }

  /** Sends Wait before it returns: a Start sent after this call cannot be over unseen (CTD-19). */
  begin(): void {
    this.#inBackground(this.#follow());
  }

  /** For a task that was found ended: takes its end from what was read. */
  beginEnded(task: ContainerdTask & { readonly status: 'stopped' }): void {
    this.#inBackground(this.#settle(task));
  }

  /** For a container whose task is gone: nobody can tell its exit code, unless its shim has told it before. */
  beginLost(): void {
    const told = this.#context.shims.exitOf(this.id);
    this.#inBackground(told.then((exit) => this.#settle(exit ?? { detail: EXIT_LOST })));
  }

  /** The start has been told to its caller: from now on the exit may be published. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#exit !== undefined) this.#context.onExit(this.#exit);
    else this.#listen().catch(() => undefined);
  }

  /** containerd's exit event; the same fact as the answer to Wait. */
  noteExit(exitStatus: number, exitedAt: number | undefined): void {
    this.#event.resolve({ exitStatus, exitedAt });
  }

  noteOom(): void {
    this.#oomSeen = true;
  }

  /** A SIGKILL is being sent to it: what ends it then is not the memory limit. */
  noteKill(): void {
    this.#killed = true;
  }

  /** Stops watching; nothing is published any more. */
  abandon(): void {
    const reason = new Error('the container is not watched any more');
    this.#stopping.abort(reason);
    this.#heard.abort(reason);
  }

  #inBackground(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#stopping.signal.aborted)
        this.#context.log.warn({ error, containerId: this.id }, 'watching a container failed');
    });
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(RETRY);
    let containerdWasAway = false;
    for (;;) {
      const waited = this.#wait(signal);
      const patient = this.#event.promise.then(async (ending) => {
        await sleep(EVENT_PATIENCE_MS, signal);
        return ending;
      });
      patient.catch(() => undefined);
      try {
        await this.#settle(await Promise.race([waited, patient, this.#told.promise]));
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (hasCode(error, 'UNAVAILABLE')) containerdWasAway = true;
        this.#context.log.debug({ error, containerId: this.id }, 'waiting for a container was cut off');
      }
      const ending = await this.#ask(signal, containerdWasAway);
      if (ending !== 'running') {
        await this.#settle(ending);
        return;
      }
      await sleep(backoff.next(), signal);
    }
  }

  /** What the shim says of the end; undefined when it cannot tell, and is asked again by the next call. */
  #listen(): Promise<ShimExit | undefined> {
    this.#listening ??= this.#context.shims
      .waitForExit(this.id, this.#heard.signal)
      .then((exit) => {
        if (exit !== undefined) this.#told.resolve(exit);
        return exit;
      })
      .finally(() => {
        this.#listening = undefined;
      });
    return this.#listening;
  }

  async #wait(signal: AbortSignal): Promise<Ending> {
    const answer = await this.#context.client.unary('tasks', 'Wait', { containerId: this.id }, { signal });
    return { exitStatus: answer.exitStatus, exitedAt: epochMsOf(answer.exitedAt) };
  }

  /** After a cut: what containerd says, once it answers again, or what the shim says meanwhile. */
  async #ask(parent: AbortSignal, away: boolean): Promise<Ending | 'running'> {
    const over = new AbortController();
    const signal = AbortSignal.any([parent, over.signal]);
    const shim = this.#listen();
    const looked = this.#look(signal, away);
    const told = shim.then((exit) => exit ?? looked);
    for (const promise of [shim, looked, told]) promise.catch(() => undefined);
    try {
      const first = await Promise.race([told, looked]);
      if (first === 'running' || first.detail === undefined) return first;
      // containerd knows nothing of it; the answer of the shim may still be on its way.
      return (await Promise.race([shim, sleep(SHIM_PATIENCE_MS, signal)])) ?? first;
    } finally {
      over.abort(new Error('the end of the container has been made out'));
    }
  }

  /** What the task is now, once containerd answers again. */
  async #look(signal: AbortSignal, away: boolean): Promise<Ending | 'running'> {
    const backoff = new Backoff(RETRY);
    let containerdWasAway = away;
    for (;;) {
      await this.#context.whenConnected();
      signal.throwIfAborted();
      try {
        const task = await findTask(this.#context.client, this.id, signal);
        if (task === undefined)
          return containerdWasAway ? { detail: EXIT_LOST } : { exitStatus: KILLED_STATUS, detail: SHIM_DIED };
        return task.status === 'stopped' ? task : 'running';
      } catch (error) {
        signal.throwIfAborted();
        if (hasCode(error, 'UNAVAILABLE')) containerdWasAway = true;
        this.#context.log.debug({ error, containerId: this.id }, 'looking at a container failed');
      }
      await sleep(backoff.next(), signal);
    }
  }

  async #settle({ exitStatus, exitedAt, detail }: Ending): Promise<void> {
    if (this.#exit !== undefined) return;
    await this.#proveEmpty();
    const outOfMemory = exitStatus === KILLED_STATUS && (await this.#ranOutOfMemory());
    const exit: ContainerExit = {
      ...(exitStatus !== undefined && { exitCode: exitStatus }),
      exitedAt: exitedAt ?? Date.now(),
      oomKilled: outOfMemory,
      ...(this.#run !== undefined && { run: this.#run }),
      ...(detail !== undefined && { detail }),
    };
    this.#stopping.signal.throwIfAborted();
    this.#exit = exit;
    this.#heard.abort(new Error('the end of the container is known'));
    this.#settled.resolve(exit);
    if (this.#released) this.#context.onExit(exit);
  }

  async #ranOutOfMemory(): Promise<boolean> {
    if (this.#oomSeen) return true;
    return this.cgroup !== undefined && (await ranOutOfMemory(this.cgroup, { killed: this.#killed }));
  }

  /** Kills what the first process left behind: an exit is told only when nothing of the container lives. */
  async #proveEmpty(): Promise<void> {
    const { cgroup } = this;
    if (cgroup === undefined) return;
    const backoff = new Backoff({ minMs: 10, maxMs: 200, factor: 2, jitter: 0 });
    while (!(await isCgroupEmpty(cgroup))) {
      await killCgroup(cgroup);
      await sleep(backoff.next(), this.#stopping.signal);
    }
  }
}
