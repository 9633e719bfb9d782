import type { ShimProcesses } from './shim-processes.ts';

/** Between two looks; a shim is silent that waits in both. */
const LOOK_EVERY_MS = 1_000;
/** Longer than any task takes to be made on a machine with time for it: nobody is looked at before. */
const LOOK_AFTER_MS = 2_000;

/**
 * Ends shims that would never answer, for as long as tasks are being made. A shim listens before it opens its log, a
 * FIFO, and waits there for containerd to open the other end. One whose containerd has died by then is found by the next
 * containerd at its socket, is given the task to make, and is silent for ever (containerd.md §15). It has never served
 * anybody, so nothing is lost with it. All shims of the namespace are looked at, as the task may have been given to that
 * of another container; each until it has once been seen to have its log, however many tasks are being made.
 */
export class SilentShims {
  readonly #processes: Pick<ShimProcesses, 'all' | 'logOf' | 'end'>;
  readonly #onEnded: (pid: number) => void;
  /** When each task that is being made was begun, ms of the steady clock. */
  readonly #begun = new Set<{ readonly at: number }>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #suspects: readonly number[] = [];
  #cleared: ReadonlySet<number> = new Set();

  /** `onEnded` is told the pid of each shim that is ended. */
  constructor(processes: Pick<ShimProcesses, 'all' | 'logOf' | 'end'>, onEnded: (pid: number) => void) {
    this.#processes = processes;
    this.#onEnded = onEnded;
  }

  /** A task is being made, until what is given is disposed of. */
  duringMake(): Disposable {
    const make = { at: performance.now() };
    this.#begun.add(make);
    this.#timer ??= setInterval(() => void this.#look().catch(() => undefined), LOOK_EVERY_MS);
    return {
      [Symbol.dispose]: () => {
        this.#begun.delete(make);
        if (this.#begun.size === 0) this.#rest();
      },
    };
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#suspects = [];
    this.#cleared = new Set();
  }

  async #look(): Promise<void> {
    const dueAt = performance.now() - LOOK_AFTER_MS;
    if (this.#looking || ![...this.#begun].some(({ at }) => at <= dueAt)) return;
    this.#looking = true;
    try {
      const pids = (await this.#processes.all()).map(({ pid }) => pid);
      const uncleared = pids.filter((pid) => !this.#cleared.has(pid));
      const logs = await Promise.all(uncleared.map((pid) => this.#processes.logOf(pid)));
      if (this.#timer === undefined) return;
      const waiting = uncleared.filter((_, index) => logs[index] === 'awaited');
      const open = uncleared.filter((_, index) => logs[index] === 'open');
      for (const pid of waiting)
        if (this.#suspects.includes(pid) && this.#processes.end(pid)) this.#onEnded(pid);
      this.#suspects = waiting;
      this.#cleared = new Set(pids).intersection(this.#cleared).union(new Set(open));
    } finally {
      this.#looking = false;
    }
  }
}
