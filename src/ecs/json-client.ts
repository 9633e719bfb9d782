import { randomUUID } from 'node:crypto';
import type { Agent } from 'node:http';
import { sleep } from '../async/deadline.ts';
import { type HttpAnswer, HttpRequestError, type HttpTimeouts, sendHttp } from '../aws/http-request.ts';
import type { RequestSigner } from '../aws/signing.ts';
import type { z } from '../schema.ts';
import { EcsApiError } from './ecs-api.ts';
import { errorSchema } from './responses.ts';
import { isRetryable, NETWORK_ERROR, QUOTA_EXHAUSTED, type RetryPolicy, RetryQuota } from './retry-policy.ts';

const TARGET = 'AmazonEC2ContainerServiceV20141113';
/** ecs-api.md §A1. */
const TIMEOUTS: HttpTimeouts = { dialMs: 30_000, tlsMs: 10_000, totalMs: 42_000 };

export interface JsonClientOptions {
  readonly endpoint: URL;
  readonly signer: RequestSigner;
  readonly userAgent: string;
  /** Made at the first call; keeps connections. */
  readonly createAgent: () => Promise<Agent>;
  readonly timeouts?: HttpTimeouts;
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  readonly random?: () => number;
}

/** AWS JSON 1.1 calls to ECS, signed, with the retries of ecs-api.md §A3. */
export class JsonClient {
  readonly #options: JsonClientOptions;
  readonly #quota = new RetryQuota();
  #agent: Promise<Agent> | undefined;

  constructor(options: JsonClientOptions) {
    this.#options = options;
  }

  /** The parsed answer. Rejects with `EcsApiError`, or with the signal's reason. */
  async call<T>(
    operation: string,
    body: object,
    schema: z.ZodMiniType<T>,
    retries: RetryPolicy,
    signal: AbortSignal,
  ): Promise<T> {
    const invocationId = randomUUID();
    let paid = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        const headers = {
          'amz-sdk-invocation-id': invocationId,
          'amz-sdk-request': `attempt=${attempt}; max=${retries.maxAttempts}`,
        };
        const answer = await this.#attempt(operation, JSON.stringify(body), headers, signal);
        this.#quota.give(paid);
        return parseAnswer(operation, answer, schema);
      } catch (error) {
        if (!(error instanceof EcsApiError) || !isRetryable(error) || attempt >= retries.maxAttempts)
          throw error;
        if (retries.usesQuota) paid = this.#payRetry(operation, error);
        const delay = retries.delayMs(attempt, this.#options.random ?? Math.random);
        await (this.#options.wait ?? sleep)(delay, signal);
      }
    }
  }

  /** Closes kept connections. */
  async close(): Promise<void> {
    const agent = await this.#agent?.catch(() => undefined);
    agent?.destroy();
  }

  async #connections(operation: string): Promise<Agent> {
    this.#agent ??= this.#options.createAgent();
    try {
      return await this.#agent;
    } catch (error) {
      this.#agent = undefined;
      const why = error instanceof Error ? error.message : String(error);
      throw new EcsApiError(NETWORK_ERROR, `${operation}: no connection can be made: ${why}`, 0, error);
    }
  }

  #payRetry(operation: string, error: EcsApiError): number {
    const timedOut = error.cause instanceof HttpRequestError && error.cause.timedOut;
    const paid = this.#quota.take(timedOut);
    if (paid > 0) return paid;
    throw new EcsApiError(
      QUOTA_EXHAUSTED,
      `${operation} is not tried again, too many calls fail: ${error.message}`,
      error.httpStatus,
      error,
    );
  }

  async #attempt(
    operation: string,
    body: string,
    sdkHeaders: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { endpoint, signer, userAgent } = this.#options;
    const signed = await this.#sign(operation, body, sdkHeaders, signer, signal);
    const agent = await this.#connections(operation);
    try {
      const answer = await sendHttp({
        url: endpoint,
        method: 'POST',
        headers: { ...signed, 'user-agent': userAgent, 'accept-encoding': 'gzip' },
        body,
        timeouts: this.#options.timeouts ?? TIMEOUTS,
        agent,
        signal,
      });
      if (answer.status >= 200 && answer.status < 300) return answer;
      throw errorOf(operation, answer);
    } catch (error) {
      if (!(error instanceof HttpRequestError)) throw error;
      throw new EcsApiError(NETWORK_ERROR, `${operation}: ${error.message}`, 0, error);
    }
  }

  async #sign(
    operation: string,
    body: string,
    sdkHeaders: Readonly<Record<string, string>>,
    signer: RequestSigner,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>> {
    const headers = {
      ...sdkHeaders,
      'content-length': String(Buffer.byteLength(body)),
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `${TARGET}.${operation}`,
    };
    try {
      return await signer.signRequest(
        { method: 'POST', url: this.#options.endpoint, headers, body },
        { signal },
      );
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof Error ? error.message : String(error);
      throw new EcsApiError('CredentialsError', `${operation} could not be signed: ${why}`, 0, error);
    }
  }
}

/** The error's code stands in a header or in `__type`, as `prefix#Code:suffix` (ecs-api.md §A1). */
function errorOf(operation: string, answer: HttpAnswer): EcsApiError {
  const parsed = errorSchema.safeParse(jsonOf(answer.body));
  const body = parsed.success ? parsed.data : {};
  const header = answer.headers['x-amzn-errortype'];
  const type = (typeof header === 'string' ? header : body.__type) ?? '';
  const code = type.slice(type.lastIndexOf('#') + 1).split(':')[0] || `HTTP${answer.status}`;
  const text = body.message ?? body.Message ?? answer.body.slice(0, 200);
  const requestId = answer.headers['x-amzn-requestid'];
  return new EcsApiError(code, `${operation}: ${code}: ${text}`, answer.status, undefined, {
    message: text,
    ...(typeof requestId === 'string' && { requestId }),
  });
}

function parseAnswer<T>(operation: string, answer: HttpAnswer, schema: z.ZodMiniType<T>): T {
  const parsed = schema.safeParse(jsonOf(answer.body === '' ? '{}' : answer.body));
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
  throw new EcsApiError(
    'InvalidResponse',
    `${operation}: the answer cannot be used${where === '' ? '' : ` (${where})`}`,
    answer.status,
    parsed.error,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
