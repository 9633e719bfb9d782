import type { Logger } from 'pino';
import type { Explanation } from '../task/why.ts';

/** A task that waits for these is where it should be. */
const EXPECTED: ReadonlySet<Explanation['reason']> = new Set(['reports', 'cleanup']);

/** Logs each reason of a task to wait once, when it is met for the first time. */
export class ToldWaits {
  readonly #log: Logger;
  readonly #told = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(waits: readonly Explanation[]): void {
    for (const { container, reason, what, unblock } of waits) {
      const key = `${container ?? ''} ${reason}`;
      if (EXPECTED.has(reason) || this.#told.has(key)) continue;
      this.#told.add(key);
      this.#log.info({ ...(container !== undefined && { container }), reason, what, unblock }, 'waiting');
    }
  }
}
