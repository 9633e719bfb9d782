/** How delays grow between tries. */
export interface BackoffOptions {
  /** First delay, ms. */
  readonly minMs: number;
  /** Largest delay before jitter, ms. */
  readonly maxMs: number;
  readonly factor: number;
  /** Each delay is the base plus uniform[0, jitter) of it. */
  readonly jitter: number;
}

/** Exponential backoff with jitter added on top. One object per thing that is retried. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #random: () => number;
  #base: number;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = options;
    this.#random = random;
    this.#base = options.minMs;
  }

  /** The next delay in ms; grows with each call until `maxMs`. */
  next(): number {
    const base = this.#base;
    this.#base = Math.min(base * this.#options.factor, this.#options.maxMs);
    return base + this.#random() * this.#options.jitter * base;
  }

  /** Starts again from `minMs`. */
  reset(): void {
    this.#base = this.#options.minMs;
  }
}
