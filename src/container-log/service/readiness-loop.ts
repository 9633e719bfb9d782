import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { Epoll } from '../../host/epoll.ts';
import type { OwnLog } from './own-log.ts';

/** Something that has work whenever one of its descriptors is ready. */
export interface Workable {
  onReady(fd: number): void;
  /** Does a bounded piece of work; true: there is more. */
  step(): boolean;
}

/**
 * Lines that come one by one are gathered: a wake-up each would cost more than the lines. The first after a
 * pause is not held up, and none where much is written: a FIFO of 64 KiB would fill in that time.
 */
const GATHER_MS = 5;
const MUCH_BYTES = 32 * 1024;
/** The service's socket is looked at least this often. */
const TURN_MS = 8;

/** Runs whatever has work, in turn, a bounded piece each; sleeps in epoll when nobody has any. */
export class ReadinessLoop {
  readonly #epoll = new Epoll();
  readonly #log: OwnLog;
  readonly #owners = new Map<number, Workable>();
  readonly #ready = new Set<Workable>();
  #working = false;
  #movedBytes = 0;

  constructor(log: OwnLog) {
    this.#log = log;
  }

  watch(fd: number, owner: Workable): void {
    this.#owners.set(fd, owner);
    this.#epoll.add(fd);
  }

  /** Call before the descriptor is closed. */
  unwatch(fd: number): void {
    this.#owners.delete(fd);
    this.#epoll.remove(fd);
  }

  schedule(work: Workable): void {
    this.#ready.add(work);
    if (!this.#working) void this.#work();
  }

  /** Tells how much came in. */
  moved(bytes: number): void {
    this.#movedBytes += bytes;
  }

  forget(work: Workable): void {
    this.#ready.delete(work);
  }

  /** Resolves after `close`. */
  async run(): Promise<void> {
    let last = 0;
    for (;;) {
      const fds = await this.#epoll.wait();
      if (fds === undefined) return;
      for (const fd of fds) {
        const owner = this.#owners.get(fd);
        if (owner === undefined) continue;
        owner.onReady(fd);
        this.schedule(owner);
      }
      if (performance.now() - last < 2 * GATHER_MS && this.#movedBytes < MUCH_BYTES) await delay(GATHER_MS);
      this.#movedBytes = 0;
      last = performance.now();
    }
  }

  close(): void {
    this.#epoll.close();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#ready.size > 0) {
        await nextTurn();
        const until = performance.now() + TURN_MS;
        for (const work of this.#ready) {
          // Behind all others that are ready.
          this.#ready.delete(work);
          if (this.#step(work)) this.#ready.add(work);
          if (performance.now() >= until) break;
        }
      }
    } finally {
      this.#working = false;
    }
  }

  #step(work: Workable): boolean {
    try {
      return work.step();
    } catch (error) {
      // One container's fault must not end the others' logs (logging.md §26.9); its next event tries again.
      this.#log.error('a container log failed', error);
      return false;
    }
  }
}
