import { Backoff, type BackoffOptions } from '../async/backoff.ts';
import { sleep } from '../async/deadline.ts';
import { RegistryError } from './registry/registry-error.ts';

export interface RetryPolicy {
  /** Tries in all, the first one included. */
  readonly attempts: number;
  readonly backoff: BackoffOptions;
  /** No new try begins later than that after the first, ms. */
  readonly withinMs?: number;
  /** Told of each failure after which there is another try. */
  readonly onRetry?: (error: unknown) => void;
}

/** Manifest requests (ENG-99). */
export const MANIFEST_RETRY: RetryPolicy = {
  attempts: 9,
  backoff: { minMs: 10, maxMs: 5_000, factor: 3, jitter: 0.2 },
  withinMs: 60_000,
};

/** Pulls (ENG-22, ENG-140). */
export const PULL_RETRY: RetryPolicy = {
  attempts: 5,
  backoff: { minMs: 1_100, maxMs: 5_000, factor: 2, jitter: 0.2 },
};

/** A registry that asks for a longer wait is taken to have refused. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/** What a try may tell about itself. */
export interface Try {
  /** Counts the tries afresh: there was progress, so the trouble is a new one. */
  readonly progressed: () => void;
}

/**
 * Runs `work` until it succeeds, fails for good, or has failed as often as the policy allows; then its last error
 * is thrown. A registry's Retry-After lengthens the wait.
 */
export async function retrying<T>(
  policy: RetryPolicy,
  retryable: (error: unknown) => boolean,
  signal: AbortSignal,
  work: (attempt: Try) => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(policy.backoff);
  const giveUpAt =
    policy.withinMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + policy.withinMs;
  let failures = 0;
  const progressed = () => {
    failures = 0;
    backoff.reset();
  };
  for (;;) {
    try {
      return await work({ progressed });
    } catch (error) {
      signal.throwIfAborted();
      failures += 1;
      if (failures >= policy.attempts || !retryable(error)) throw error;
      const asked = error instanceof RegistryError ? (error.retryAfterMs ?? 0) : 0;
      const waitMs = Math.max(backoff.next(), asked);
      if (asked > LONGEST_RETRY_AFTER_MS || performance.now() + waitMs > giveUpAt) throw error;
      policy.onRetry?.(error);
      await sleep(waitMs, signal);
    }
  }
}
