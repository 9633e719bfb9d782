import { withDeadline } from '../async/deadline.ts';
import {
  type AwsCredentials,
  type CredentialsProvider,
  type CredentialsSource,
  NoCredentialsError,
} from './credentials.ts';

const FETCH_LIMIT_MS = 60_000;
const MAX_REFRESH_AHEAD_MS = 5 * 60_000;

/**
 * Credentials of the agent itself, from the first source that has some (ecs-api.md §A2). Kept until shortly
 * before they end: five minutes, or a tenth of their life where that is less. Callers that come together share
 * one fetch; when a renewal fails the old ones serve until they end.
 */
export class CredentialsCache implements CredentialsProvider {
  readonly #sources: readonly CredentialsSource[];
  readonly #now: () => number;
  #current: { readonly credentials: AwsCredentials; readonly refreshAt: number } | undefined;
  #fetch: Promise<AwsCredentials> | undefined;

  constructor(sources: readonly CredentialsSource[], now: () => number = Date.now) {
    this.#sources = sources;
    this.#now = now;
  }

  async get(options: { signal?: AbortSignal } = {}): Promise<AwsCredentials> {
    options.signal?.throwIfAborted();
    const current = this.#current;
    if (current !== undefined && this.#now() < current.refreshAt) return current.credentials;
    this.#fetch ??= this.#refresh().finally(() => {
      this.#fetch = undefined;
    });
    const fetch = this.#fetch;
    return await withDeadline('reading credentials', FETCH_LIMIT_MS, options.signal, () => fetch);
  }

  /** Forgets what is held; the next caller reads anew. For when the holder may have become another instance. */
  invalidate(): void {
    this.#current = undefined;
  }

  async #refresh(): Promise<AwsCredentials> {
    try {
      const credentials = await withDeadline('reading credentials', FETCH_LIMIT_MS, undefined, (signal) =>
        this.#load(signal),
      );
      this.#current = { credentials, refreshAt: this.#refreshTime(credentials) };
      return credentials;
    } catch (error) {
      const old = this.#current?.credentials;
      if (old?.expiresAt !== undefined && this.#now() < old.expiresAt) return old;
      throw error;
    }
  }

  #refreshTime(credentials: AwsCredentials): number {
    if (credentials.expiresAt === undefined) return Number.POSITIVE_INFINITY;
    const life = credentials.expiresAt - this.#now();
    return credentials.expiresAt - Math.min(MAX_REFRESH_AHEAD_MS, Math.max(0, life / 10));
  }

  async #load(signal: AbortSignal): Promise<AwsCredentials> {
    const answers: string[] = [];
    for (const source of this.#sources) {
      try {
        const credentials = await source.load(signal);
        if (credentials !== undefined) return credentials;
        answers.push(`${source.name}: not set`);
      } catch (error) {
        signal.throwIfAborted();
        answers.push(`${source.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    throw new NoCredentialsError(`no AWS credentials were found (${answers.join('; ')})`);
  }
}
