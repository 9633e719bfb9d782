import { abortable } from './abortable.ts';

/** So many times what work has usually taken of late is as long as work may take that does not hang. */
const SLOWNESS = 5;
/** Of how many the usual time is the median. */
const REMEMBERED = 9;

/**
 * Lets so many through at once, in the order of arrival. Whoever takes longer than `patienceMs`, and much longer than
 * others before, no longer counts: what hangs holds up nobody for longer than that, and a machine that is slow as it has
 * too much to do is not given more.
 */
export class NarrowGate {
  readonly #width: number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
  /** How long work took that succeeded, ms; the last that ended last. */
  readonly #taken: number[] = [];
  #inside = 0;

  constructor(width: number, patienceMs: number) {
    this.#width = width;
    this.#patienceMs = patienceMs;
  }

  /** Runs the work when its turn has come; rejects with the signal's reason when that aborts before. */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#width) await this.#turn(signal);
    else this.#inside += 1;
    const leave = once(() => this.#next());
    const timer = setTimeout(leave, this.#patience());
    const begunAt = performance.now();
    try {
      const result = await work();
      this.#taken.push(performance.now() - begunAt);
      if (this.#taken.length > REMEMBERED) this.#taken.shift();
      return result;
    } finally {
      clearTimeout(timer);
      leave();
    }
  }

  #patience(): number {
    const usual = this.#taken.toSorted((a, b) => a - b)[this.#taken.length >> 1] ?? 0;
    return Math.max(this.#patienceMs, usual * SLOWNESS);
  }

  /** Who leaves hands the place on. */
  async #turn(signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    this.#waiting.add(turn);
    try {
      await abortable(turn.promise, signal);
    } catch (error) {
      // The place may have been given to it in the same moment.
      if (!this.#waiting.delete(turn)) this.#next();
      throw error;
    }
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#inside -= 1;
      return;
    }
    this.#waiting.delete(first);
    first.resolve();
  }
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}
