import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError } from '../api-error.ts';
import type { Agents, Call } from '../operation.ts';
import { requireOperation } from '../operations.ts';
import type { Settings } from '../settings.ts';
import type { State } from '../state/state.ts';
import type { SignedRequest } from './signature.ts';

const TARGET_PREFIX = 'AmazonEC2ContainerServiceV20141113.';
const JSON_1_1 = 'application/x-amz-json-1.1';
const MAX_BODY_BYTES = 4 * 1024 * 1024;

export interface ApiServerOptions {
  readonly state: State;
  readonly settings: Settings;
  readonly agents: Agents;
  readonly scheme: 'http' | 'https';
  now(): number;
  /** Throws an ApiError for a bad signature. */
  verify(request: SignedRequest): void;
  /** May answer a call with an error before it is looked at; for tests of what a caller then does. */
  intercept(operation: string, body: unknown): ApiError | undefined;
  /** Called once a call with its operation and, if it failed, the error. */
  called(operation: string, error: unknown): void;
}

/** The ECS API over AWS JSON 1.1 (ecs-api.md §A1): `POST /` with the operation in `X-Amz-Target`. */
export class ApiServer {
  readonly #options: ApiServerOptions;

  constructor(options: ApiServerOptions) {
    this.#options = options;
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = request.headers['x-amz-target'];
    const name =
      typeof target === 'string' && target.startsWith(TARGET_PREFIX)
        ? target.slice(TARGET_PREFIX.length)
        : '';
    try {
      const answer = this.#answer(request, name, await readBody(request));
      this.#options.called(name, undefined);
      send(response, 200, answer, {});
    } catch (error) {
      this.#options.called(name, error);
      const known = error instanceof ApiError ? error : new ApiError('ServerException', String(error), 500);
      send(
        response,
        known.httpStatus,
        { __type: known.code, message: known.message, ...known.details },
        { 'x-amzn-ErrorType': known.code },
      );
    }
  }

  #answer(request: IncomingMessage, name: string, body: Buffer): object {
    const { state, settings, agents } = this.#options;
    const [path = '/', query = ''] = (request.url ?? '/').split('?', 2);
    if (request.method !== 'POST' || path !== '/') {
      throw new ApiError('UnknownOperationException', `${request.method} ${path} is not the ECS API`, 404);
    }
    this.#options.verify({ method: 'POST', path, query, headers: request.headers, body });
    const operation = requireOperation(name);
    const input = parseJson(body);
    const injected = this.#options.intercept(name, input);
    if (injected !== undefined) throw injected;
    const actions: (() => void)[] = [];
    const call: Call = {
      state,
      agents,
      settings,
      nowMs: this.#options.now(),
      baseUrl: `${this.#options.scheme}://${request.headers.host ?? ''}`,
      afterCommit: (action) => actions.push(action),
    };
    const answer = state.transaction(() => operation(input, call));
    for (const action of actions) action();
    return answer;
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MAX_BODY_BYTES) {
      throw new ApiError('RequestEntityTooLargeException', `the body exceeds ${MAX_BODY_BYTES} bytes`, 413);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new ApiError('SerializationException', 'the body is not JSON');
  }
}

function send(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>>,
): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'Content-Type': JSON_1_1,
    'Content-Length': Buffer.byteLength(text),
    'x-amzn-RequestId': randomUUID(),
    ...headers,
  });
  response.end(text);
}
