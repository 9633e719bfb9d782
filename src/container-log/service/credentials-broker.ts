import { sleep } from '../../async/deadline.ts';

/** Keys for signing. */
export interface LogCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Epoch ms; absent: they do not end. */
  readonly expiresAt?: number;
}

/** The instance's own, which the agent uses too. */
export const INSTANCE_CREDENTIALS = '';

interface Entry {
  credentials?: LogCredentials;
  /** Why the agent has none. */
  refusal?: string;
  readonly waiting: Set<() => void>;
  askedAt: number;
}

/** New ones are asked for from this long before the old ones end (logging.md §24.5). */
const REFRESH_AHEAD_MS = 15 * 60_000;
const ASK_INTERVAL_MS = 1_000;
const ANSWER_LIMIT_MS = 20_000;

/**
 * Credentials that the agent hands over on the service's socket, by the id of an execution role's credentials. They
 * are in memory only. While the agent is away the old ones serve until they end; then whoever needs them waits.
 */
export class CredentialsBroker {
  readonly #entries = new Map<string, Entry>();
  readonly #ask: (id: string) => void;
  readonly #now: () => number;

  /** `ask` tells the agents that are connected, if any, that credentials are needed. */
  constructor(ask: (id: string) => void, now: () => number = Date.now) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Credentials that are good now. Rejects after 20 s without an answer, and when the agent has none. */
  async get(id: string, signal: AbortSignal): Promise<LogCredentials> {
    const entry = this.#entry(id);
    const known = entry.credentials;
    if (known !== undefined && this.#lifeOf(known) > REFRESH_AHEAD_MS) return known;
    if (known !== undefined && this.#lifeOf(known) > 0) {
      if (this.#now() - entry.askedAt > ASK_INTERVAL_MS * 10) this.#askFor(id, entry);
      return known;
    }
    const until = this.#now() + ANSWER_LIMIT_MS;
    delete entry.refusal;
    for (;;) {
      this.#askFor(id, entry);
      await this.#answer(entry, signal);
      const { credentials, refusal } = entry;
      if (credentials !== undefined && this.#lifeOf(credentials) > 0) return credentials;
      if (refusal !== undefined) throw new Error(refusal);
      if (this.#now() > until) throw new Error('no credentials: the agent does not answer');
    }
  }

  /** What an agent has. */
  put(id: string, answer: LogCredentials | { readonly refusal: string }): void {
    const entry = this.#entry(id);
    if ('refusal' in answer) entry.refusal = answer.refusal;
    else entry.credentials = answer;
    for (const wake of [...entry.waiting]) wake();
  }

  /** The service said that they are not good any more. */
  invalidate(id: string, refused: LogCredentials): void {
    const entry = this.#entries.get(id);
    if (entry?.credentials?.accessKeyId === refused.accessKeyId) delete entry.credentials;
  }

  #lifeOf({ expiresAt }: LogCredentials): number {
    return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt - this.#now();
  }

  #askFor(id: string, entry: Entry): void {
    entry.askedAt = this.#now();
    this.#ask(id);
  }

  /** Waits for an answer, a second at most. */
  async #answer(entry: Entry, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    entry.waiting.add(resolve);
    const waited = new AbortController();
    try {
      await Promise.race([
        promise,
        sleep(ASK_INTERVAL_MS, AbortSignal.any([signal, waited.signal])).catch(() => {}),
      ]);
      signal.throwIfAborted();
    } finally {
      entry.waiting.delete(resolve);
      waited.abort();
    }
  }

  #entry(id: string): Entry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    const made = { waiting: new Set<() => void>(), askedAt: Number.NEGATIVE_INFINITY };
    this.#entries.set(id, made);
    return made;
  }
}
