/** Lets work under one key follow one another, in the order of the calls; other keys are not held up. */
export class KeyedLock {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs `work` when all earlier work under the key has ended, well or not. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#tails.set(key, ended);
    await before;
    try {
      return await work();
    } finally {
      if (this.#tails.get(key) === ended) this.#tails.delete(key);
      end();
    }
  }
}
