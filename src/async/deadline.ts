import { setTimeout as delay } from 'node:timers/promises';

/** Thrown when `withDeadline` runs out of time. `what` names the operation. */
export class DeadlineExceededError extends Error {
  override readonly name = 'DeadlineExceededError';
  readonly what: string;
  readonly timeoutMs: number;

  constructor(what: string, timeoutMs: number) {
    super(`${what} did not finish within ${timeoutMs} ms`);
    this.what = what;
    this.timeoutMs = timeoutMs;
  }
}

/**
 * Runs `work` with a signal that aborts after `timeoutMs` or with `parent`. The promise settles at the
 * deadline even when `work` ignores its signal, so that nothing waits on a call that never answers.
 */
export async function withDeadline<T>(
  what: string,
  timeoutMs: number,
  parent: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const expired = new DeadlineExceededError(what, timeoutMs);
  const signal = parent === undefined ? controller.signal : AbortSignal.any([parent, controller.signal]);
  const timer = setTimeout(() => controller.abort(expired), timeoutMs);
  try {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([work(signal), aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Waits `ms`, or rejects with the signal's reason. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
