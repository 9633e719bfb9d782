import { Backoff } from '../async/backoff.ts';
import { sleep } from '../async/deadline.ts';
import { HttpRequestError, sendHttp } from './http-request.ts';

/** The EC2 instance metadata service. */
export interface InstanceMetadata {
  /**
   * The text at a path such as `/latest/meta-data/instance-id`, or undefined when there is nothing (404).
   * Rejects with `MetadataUnavailableError`.
   */
  get(path: string, options?: { signal?: AbortSignal }): Promise<string | undefined>;
}

/** The metadata service gave no usable answer; `reachable` tells an error answer from none at all. */
export class MetadataUnavailableError extends Error {
  override readonly name = 'MetadataUnavailableError';
  readonly reachable: boolean;

  constructor(message: string, options: { reachable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.reachable = options.reachable;
  }
}

/** For ECS Anywhere and hosts without the service: answers at once, never touches the network (ECS-58). */
export const noInstanceMetadata: InstanceMetadata = {
  async get(path) {
    throw new MetadataUnavailableError(`instance metadata is switched off; ${path} was not asked for`, {
      reachable: false,
    });
  },
};

const DEFAULT_ENDPOINT = 'http://169.254.169.254';
const ATTEMPTS = 5;
const TOKEN_LIFE_SEC = 21_600;
/** A token is renewed this long before it ends. */
const TOKEN_MARGIN_MS = 60_000;
const TIMEOUTS = { dialMs: 1_000, tlsMs: 1_000, totalMs: 5_000 };

export interface ImdsOptions {
  /** From AWS_EC2_METADATA_SERVICE_ENDPOINT; the link-local address otherwise. */
  readonly endpoint?: string;
  readonly now?: () => number;
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * The metadata service in version 2: a session token first, then look-ups with it. Five attempts, 1 s growing
 * ×1.3 to 5 s with jitter 0.2 between (config.md §3.11). There is no fallback to version 1.
 */
export class Imds implements InstanceMetadata {
  readonly #endpoint: string;
  readonly #now: () => number;
  readonly #wait: (ms: number, signal?: AbortSignal) => Promise<void>;
  #token: { readonly value: string; readonly endsAt: number } | undefined;

  constructor(options: ImdsOptions = {}) {
    this.#endpoint = options.endpoint || DEFAULT_ENDPOINT;
    this.#now = options.now ?? Date.now;
    this.#wait = options.wait ?? sleep;
  }

  async get(path: string, options: { signal?: AbortSignal } = {}): Promise<string | undefined> {
    const backoff = new Backoff({ minMs: 1_000, maxMs: 5_000, factor: 1.3, jitter: 0.2 });
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#tryGet(path, options.signal);
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!(error instanceof MetadataUnavailableError) || attempt === ATTEMPTS) throw error;
        await this.#wait(backoff.next(), options.signal);
      }
    }
  }

  async #tryGet(path: string, signal: AbortSignal | undefined): Promise<string | undefined> {
    const token = await this.#currentToken(signal);
    const answer = await this.#send('GET', path, { 'x-aws-ec2-metadata-token': token }, signal);
    if (answer.status === 200) return answer.body;
    if (answer.status === 404) return undefined;
    if (answer.status === 401) this.#token = undefined;
    throw refused(path, answer.status);
  }

  async #currentToken(signal: AbortSignal | undefined): Promise<string> {
    const known = this.#token;
    if (known !== undefined && this.#now() < known.endsAt - TOKEN_MARGIN_MS) return known.value;
    const path = '/latest/api/token';
    const life = { 'x-aws-ec2-metadata-token-ttl-seconds': String(TOKEN_LIFE_SEC) };
    const answer = await this.#send('PUT', path, life, signal);
    if (answer.status !== 200) throw refused(path, answer.status);
    this.#token = { value: answer.body.trim(), endsAt: this.#now() + TOKEN_LIFE_SEC * 1_000 };
    return this.#token.value;
  }

  async #send(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ) {
    try {
      return await sendHttp({
        url: new URL(path, this.#endpoint),
        method,
        headers,
        timeouts: TIMEOUTS,
        ...(signal !== undefined && { signal }),
      });
    } catch (error) {
      if (!(error instanceof HttpRequestError)) throw error;
      throw new MetadataUnavailableError(`instance metadata ${path}: ${error.message}`, {
        reachable: false,
        cause: error,
      });
    }
  }
}

function refused(path: string, status: number): MetadataUnavailableError {
  return new MetadataUnavailableError(`instance metadata ${path} answered ${status}`, { reachable: true });
}

/** The metadata service as the environment asks for it; none with AWS_EC2_METADATA_DISABLED or `disabled`. */
export function createInstanceMetadata(
  env: Readonly<Record<string, string | undefined>>,
  disabled: boolean,
): InstanceMetadata {
  if (disabled || (env.AWS_EC2_METADATA_DISABLED ?? '').toLowerCase() === 'true') return noInstanceMetadata;
  const endpoint = env.AWS_EC2_METADATA_SERVICE_ENDPOINT;
  return new Imds(endpoint === undefined ? {} : { endpoint });
}
