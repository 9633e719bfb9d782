/** Requests a second that are let through for long, and at once. */
export interface RateLimit {
  readonly steady: number;
  readonly burst: number;
}

interface Bucket {
  tokens: number;
  /** Ms of the clock at which `tokens` was right. */
  at: number;
}

/** Buckets kept; those used longest ago go first, which lets nobody through who had not been idle. */
const MAX_BUCKETS = 10_000;

/** A token bucket for each key; a new key starts with a full one (metadata-endpoints.md §9). */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #now: () => number;
  /** In the order of their last use. */
  readonly #buckets = new Map<string, Bucket>();

  /** `now` in ms of any clock that never goes back. */
  constructor(limit: RateLimit, now: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#now = now;
  }

  get steady(): number {
    return this.#limit.steady;
  }

  /** Takes a token; false when there is none. */
  take(key: string): boolean {
    const now = this.#now();
    const { steady, burst } = this.#limit;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1000) * steady);
    bucket.at = now;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > MAX_BUCKETS) this.#dropOldest();
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #dropOldest(): void {
    const [oldest] = this.#buckets.keys();
    if (oldest !== undefined) this.#buckets.delete(oldest);
  }
}
