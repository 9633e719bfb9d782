const LONGEST_WAIT_MS = 120_000;

/** When named things happened first, by the clock of `performance.now()`, and a wait for those that have not yet. */
export class Moments {
  readonly #seen = new Map<string, number>();
  readonly #awaited = new Map<string, PromiseWithResolvers<number>>();

  /** It happens now. */
  note(name: string): void {
    if (this.#seen.has(name)) return;
    const at = performance.now();
    this.#seen.set(name, at);
    this.#awaited.get(name)?.resolve(at);
    this.#awaited.delete(name);
  }

  /** Whether it has happened. */
  has(name: string): boolean {
    return this.#seen.has(name);
  }

  /** When it happened; rejects when it does not within two minutes. */
  async of(name: string): Promise<number> {
    const at = this.#seen.get(name);
    if (at !== undefined) return at;
    const awaited = this.#awaited.get(name) ?? Promise.withResolvers<number>();
    this.#awaited.set(name, awaited);
    const timer = setTimeout(() => {
      this.#awaited.delete(name);
      awaited.reject(new Error(`${name}: waited ${LONGEST_WAIT_MS} ms in vain`));
    }, LONGEST_WAIT_MS);
    try {
      return await awaited.promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
