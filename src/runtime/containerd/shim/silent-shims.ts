import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { descriptorsOf } from '../../../host/processes.ts';
import { endShim, shimPids } from './shim-processes.ts';

/** Between two looks; a shim is silent that waits in both. */
const LOOK_EVERY_MS = 1_000;
/** Longer than any task takes to be made on a machine with time for it: nobody is looked at before. */
const LOOK_AFTER_MS = 2_000;
/** open(2): the descriptor names a file that is not open. */
const O_PATH = 0o10000000;

/**
 * Ends shims that would never answer, for as long as tasks are being made. A shim listens before it opens its log, a
 * FIFO, and waits there for containerd to open the other end. One whose containerd has died by then is found by the next
 * containerd at its socket, is given the task to make, and is silent for ever (containerd.md §15). It has never served
 * anybody, so nothing is lost with it. All shims of the namespace are looked at, as the task may have been given to that
 * of another container; each until it has once been seen to have its log, however many tasks are being made.
 */
export class SilentShims {
  readonly #namespace: string;
  readonly #onEnded: (pid: number) => void;
  /** When each task that is being made was begun, ms of the steady clock. */
  readonly #begun = new Set<{ readonly at: number }>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #suspects: readonly number[] = [];
  #cleared: ReadonlySet<number> = new Set();

  /** `onEnded` is told the pid of each shim that is ended. */
  constructor(namespace: string, onEnded: (pid: number) => void) {
    this.#namespace = namespace;
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
      const pids = await shimPids(this.#namespace);
      const uncleared = pids.filter((pid) => !this.#cleared.has(pid));
      const logs = await Promise.all(uncleared.map(logOf));
      if (this.#timer === undefined) return;
      const waiting = uncleared.filter((_, index) => logs[index] === 'awaited');
      const open = uncleared.filter((_, index) => logs[index] === 'open');
      for (const pid of waiting) if (this.#suspects.includes(pid) && endShim(pid)) this.#onEnded(pid);
      this.#suspects = waiting;
      this.#cleared = new Set(pids).intersection(this.#cleared).union(new Set(open));
    } finally {
      this.#looking = false;
    }
  }
}

/** A shim names its log by one descriptor and opens it by that, as others; undefined: it is not there yet. */
async function logOf(pid: number): Promise<'awaited' | 'open' | undefined> {
  const ofLog = [...(await descriptorsOf(pid))].filter(([, target]) => isLog(target));
  if (ofLog.length === 0) return undefined;
  const opened = await Promise.all(ofLog.map(([fd]) => isOpened(pid, fd)));
  return opened.includes(true) ? 'open' : 'awaited';
}

/** proc_pid_fd(5): the name of a file that has been removed since has an end that says so. */
function isLog(target: string): boolean {
  return basename(target.replace(/ \(deleted\)$/, '')) === 'log';
}

/** proc_pid_fdinfo(5): `flags` is octal. */
async function isOpened(pid: number, fd: string): Promise<boolean> {
  const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
  const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1];
  return flags === undefined || (Number.parseInt(flags, 8) & O_PATH) === 0;
}
