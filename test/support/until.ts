import { setTimeout as delay } from 'node:timers/promises';

export interface UntilOptions {
  /** Names the condition in the error: "the task is running". */
  readonly what: string;
  /** Default 10 000. */
  readonly timeoutMs?: number;
  /** Between two looks; default 20. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Waits until `condition` gives something other than `false` or `undefined` and resolves with that. What the
 * condition throws counts as "not yet" and becomes the cause of the error when time runs out.
 */
export async function until<T>(
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  { what, timeoutMs = 10_000, intervalMs = 20, signal }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await condition();
      if (value !== false && value !== undefined) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadline)
      throw new Error(`waited ${timeoutMs} ms in vain until ${what}`, { cause });
    await delay(intervalMs, undefined, { signal });
  }
}
