import { DeadlineExceededError, withDeadline } from '../async/deadline.ts';
import { EcsApiError, type PollEndpoints } from './ecs-api.ts';
import { NETWORK_ERROR } from './retry-policy.ts';

const LIFE_MS = 12 * 60 * 60_000;
/** Three attempts of 42 s (acs.md §1). */
const LOOK_UP_LIMIT_MS = 126_000;

interface Entry {
  readonly endpoints: PollEndpoints;
  readonly endsAt: number;
}

/**
 * Answers of DiscoverPollEndpoint by container instance, good for 12 h. An answer past that still serves when no
 * newer one can be had (ACS-02, ACS-03). Look-ups that come together share one call.
 */
export class PollEndpointCache {
  readonly #now: () => number;
  readonly #entries = new Map<string, Entry>();
  readonly #lookUps = new Map<string, Promise<PollEndpoints>>();

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Rejects as `ask` does when there is no answer at all, old or new. */
  async get(
    key: string,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<PollEndpoints>,
  ): Promise<PollEndpoints> {
    signal.throwIfAborted();
    const known = this.#entries.get(key);
    if (known !== undefined && this.#now() < known.endsAt) return known.endpoints;
    let lookUp = this.#lookUps.get(key);
    if (lookUp === undefined) {
      lookUp = this.#lookUp(key, known, ask).finally(() => this.#lookUps.delete(key));
      this.#lookUps.set(key, lookUp);
    }
    const shared = lookUp;
    return await withDeadline('DiscoverPollEndpoint', LOOK_UP_LIMIT_MS + 1_000, signal, () => shared);
  }

  async #lookUp(
    key: string,
    old: Entry | undefined,
    ask: (signal: AbortSignal) => Promise<PollEndpoints>,
  ): Promise<PollEndpoints> {
    try {
      const endpoints = await withDeadline('DiscoverPollEndpoint', LOOK_UP_LIMIT_MS, undefined, ask);
      this.#entries.set(key, { endpoints, endsAt: this.#now() + LIFE_MS });
      return endpoints;
    } catch (error) {
      if (old !== undefined) return old.endpoints;
      if (error instanceof DeadlineExceededError)
        throw new EcsApiError(NETWORK_ERROR, error.message, 0, error);
      throw error;
    }
  }
}
