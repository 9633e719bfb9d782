import { abortable } from './abortable.ts';

/**
 * Lets so many through at once, in the order of arrival. Whoever takes longer than `patienceMs` no longer counts: what
 * hangs holds up nobody for longer than that.
 */
export class NarrowGate {
  readonly #width: number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<PromiseWithResolvers<void>>();
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
    const timer = setTimeout(leave, this.#patienceMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      leave();
    }
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
