/**
 * Work whose result many want at the same time. It is done one at a time; whoever asks while it is under way gets the
 * result of the next, as that one may have missed what has just happened, and shares it with all who ask meanwhile.
 */
export class SharedWork<Result> {
  readonly #work: () => Promise<Result>;
  #tail: Promise<unknown> = Promise.resolve();
  #queued: Promise<Result> | undefined;

  constructor(work: () => Promise<Result>) {
    this.#work = work;
  }

  /** Result of work that begins after the call. */
  next(): Promise<Result> {
    if (this.#queued !== undefined) return this.#queued;
    const queued = this.#tail.then(() => {
      this.#queued = undefined;
      return this.#work();
    });
    this.#queued = queued;
    this.#tail = queued.catch(() => undefined);
    return queued;
  }
}
