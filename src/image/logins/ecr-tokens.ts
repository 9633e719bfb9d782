import type { RegistryCredentials } from '../images.ts';

/** One login of the service's answer. */
export interface EcrAuthorization {
  /** Base64 of `user:password`. */
  readonly token: string;
  /** Epoch ms. */
  readonly expiresAt?: number;
}

interface Kept {
  readonly credentials: RegistryCredentials;
  readonly usableUntil: number;
}

const MINUTE_MS = 60_000;
/** Tokens are not used in their last half hour; up to as much again, by chance, so that not all end at once. */
const MARGIN_MS = 30 * MINUTE_MS;
const LONGEST_MS = 12 * 60 * MINUTE_MS;
const MOST = 100;

/** Registry logins out of ECR authorization tokens, kept for as long as they are good (ENG-108, ENG-147). */
export class EcrTokens {
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #asked = new Map<string, Promise<RegistryCredentials>>();

  constructor(now: () => number = Date.now, random: () => number = Math.random) {
    this.#now = now;
    this.#random = random;
  }

  /**
   * The login of that key, asked for only when there is none; callers that come together share one question.
   * Rejects with what `ask` rejects with, or an error that says how its answer is none.
   */
  async get(key: string, ask: () => Promise<readonly EcrAuthorization[]>): Promise<RegistryCredentials> {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#now() < kept.usableUntil) return kept.credentials;
    const asked = this.#asked.get(key) ?? this.#ask(key, ask);
    this.#asked.set(key, asked);
    return await asked;
  }

  async #ask(key: string, ask: () => Promise<readonly EcrAuthorization[]>): Promise<RegistryCredentials> {
    try {
      const [only, ...others] = await ask();
      if (only === undefined || others.length > 0)
        throw new Error(
          `the service gave ${others.length + (only === undefined ? 0 : 1)} logins in place of one`,
        );
      const credentials = loginOf(only.token);
      this.#keep(key, { credentials, usableUntil: this.#usableUntil(only.expiresAt) });
      return credentials;
    } finally {
      this.#asked.delete(key);
    }
  }

  #usableUntil(expiresAt: number | undefined): number {
    const longest = this.#now() + LONGEST_MS;
    const end = Math.min(expiresAt ?? longest, longest);
    return end - MARGIN_MS * (1 + this.#random());
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    const now = this.#now();
    for (const [other, { usableUntil }] of this.#kept)
      if (usableUntil <= now || this.#kept.size > MOST) this.#kept.delete(other);
  }
}

function loginOf(token: string): RegistryCredentials {
  const decoded = Buffer.from(token, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  if (colon < 1) throw new Error('the service gave a token that is not user:password in base64');
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
