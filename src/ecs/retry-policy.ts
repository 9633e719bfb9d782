import type { EcsApiError } from './ecs-api.ts';

/** How often and after which delays a call is tried again (ecs-api.md §A3). */
export interface RetryPolicy {
  readonly maxAttempts: number;
  /** ms before the n-th retry, from 1. */
  delayMs(retry: number, random: () => number): number;
  /** Whether retries draw on the quota that all calls share. */
  readonly usesQuota: boolean;
}

/** 3 attempts, jittered, at most 20 s apart. */
export const STANDARD_RETRIES: RetryPolicy = {
  maxAttempts: 3,
  delayMs: (retry, random) => Math.min(2 ** retry * 1_000, 20_000) * random(),
  usesQuota: true,
};

/** For Submit* calls: 298 attempts over about a day, since a lost report would leave ECS wrong (ECS-44, ECS-92). */
export const SUBMIT_RETRIES: RetryPolicy = {
  maxAttempts: 298,
  delayMs: (retry, random) => (retry <= 13 ? 2 ** retry * (30 + 30 * random()) : 300_000),
  usesQuota: false,
};

/** Code of a call that failed and could not be retried because too many calls fail. */
export const QUOTA_EXHAUSTED = 'RetryQuotaExceeded';
/** Code of a call without any answer. */
export const NETWORK_ERROR = 'NetworkError';

const RETRIED_STATUSES: ReadonlySet<number> = new Set([500, 502, 503, 504]);
const RETRIED_CODES: ReadonlySet<string> = new Set([
  NETWORK_ERROR,
  'BandwidthLimitExceeded',
  'EC2ThrottledException',
  'LimitExceededException',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'TooManyRequestsException',
  'TransactionInProgressException',
]);

/** Whether a later try may fare better. */
export function isRetryable(error: EcsApiError): boolean {
  return (
    RETRIED_CODES.has(error.code) ||
    RETRIED_STATUSES.has(error.httpStatus) ||
    error.code.startsWith('RequestTimeout') ||
    error.code.startsWith('RequestThrottled')
  );
}

const QUOTA = 500;
const RETRY_COST = 5;
const TIMEOUT_COST = 10;

/** Keeps a client from hammering a service that fails everything: retries cost, successes give back. */
export class RetryQuota {
  #left = QUOTA;

  /** Pays for one retry; 0 when there is not enough left. */
  take(afterTimeout: boolean): number {
    const cost = afterTimeout ? TIMEOUT_COST : RETRY_COST;
    if (cost > this.#left) return 0;
    this.#left -= cost;
    return cost;
  }

  /** A call succeeded: what its last retry cost comes back, or one for a call without any. */
  give(cost: number): void {
    this.#left = Math.min(QUOTA, this.#left + (cost || 1));
  }
}
