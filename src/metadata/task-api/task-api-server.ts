import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createListener, type Server as Listener, type Socket } from 'node:net';
import { Backoff } from '../../async/backoff.ts';
import type { AuditEntry } from '../audit-log.ts';
import type { RateLimiter } from '../rate-limit.ts';
import { type Answer, jsonAnswer, textAnswer } from './answer.ts';
import type { CredentialsAnswer } from './credentials-route.ts';
import type { EndpointScope } from './endpoint-tasks.ts';
import { cleanPath, routeTaskRequest, type TaskApiSources, type TaskRequest } from './routes.ts';

/** Reading a request and writing an answer may take this long (metadata-endpoints.md §1). */
const REQUEST_TIMEOUT_MS = 5000;
const TIMEOUT_CHECK_MS = 500;
const MAX_HEADER_BYTES = 16 * 1024;
/** What a body may have, where one is read. */
const MAX_BODY_BYTES = 64 * 1024;
const LISTEN_BACKOFF = { minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 };
const LIMIT_HEADER = 'X-Rate-Limit-Limit';
/** Requests of a connection that wait for their answers; SDKs send the next after the answer. */
const MAX_PIPELINED = 16;
/** Of one task, or of the host, at a time, and of all together; more are turned away. */
const MAX_CONNECTIONS = { ofOne: 256, ofAll: 4096 };

export interface TaskApiOptions {
  readonly sources: TaskApiSources;
  readonly limiter: RateLimiter;
  audit(entry: AuditEntry): void;
  /** A request was answered with that status. */
  onAnswered?(status: number): void;
  /** A request was given up for a fault of ours; its connection has been cut. */
  onRequestFailed(error: unknown): void;
  /** The host's port cannot be had now; it is tried again. */
  onListenFailed(error: Error): void;
}

/**
 * Serves credentials and metadata to tasks. Connections come from listeners inside the tasks' namespaces, where
 * the listener tells who calls, and from the one on the host's loopback for tasks in the host's network.
 */
export class TaskApiServer {
  readonly #options: TaskApiOptions;
  readonly #server: Server;
  readonly #scopes = new WeakMap<Socket, EndpointScope>();
  readonly #sockets = new Set<Socket>();
  /** Unanswered requests by connection. */
  readonly #unanswered = new WeakMap<Socket, number>();
  /** Open connections by caller. */
  readonly #connections = new Map<string, number>();
  #host: Listener | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TaskApiOptions) {
    this.#options = options;
    this.#server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: TIMEOUT_CHECK_MS,
        maxHeaderSize: MAX_HEADER_BYTES,
      },
      (request, response) => {
        // Whatever goes wrong with one request must not end the agent.
        this.#serve(request, response).catch((error: unknown) => {
          response.destroy();
          this.#options.onRequestFailed(error);
        });
      },
    );
    // Its sockets come from elsewhere; this begins the checks of its time limits.
    this.#server.emit('listening');
  }

  /** Answers on a connection. */
  take(socket: Socket, scope: EndpointScope): void {
    const caller = scopeKey(scope);
    const open = this.#connections.get(caller) ?? 0;
    if (this.#closed || open >= MAX_CONNECTIONS.ofOne || this.#sockets.size >= MAX_CONNECTIONS.ofAll) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    this.#connections.set(caller, open + 1);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = (this.#connections.get(caller) ?? 1) - 1;
      if (left > 0) this.#connections.set(caller, left);
      else this.#connections.delete(caller);
    });
    this.#scopes.set(socket, scope);
    this.#server.emit('connection', socket);
  }

  /** Listens on the host's loopback; a port that is taken is tried again for ever (TMDS-88). */
  listenOnHost(port: number): void {
    const backoff = new Backoff(LISTEN_BACKOFF);
    const attempt = () => {
      if (this.#closed) return;
      const listener = createListener((socket) => this.take(socket, { kind: 'host' }));
      listener.once('error', (error) => {
        this.#options.onListenFailed(error);
        this.#retry = setTimeout(attempt, backoff.next()).unref();
      });
      listener.listen({ host: '127.0.0.1', port });
      this.#host = listener;
    };
    attempt();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#host?.close();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    const scope = this.#scopes.get(socket);
    if (scope === undefined || !this.#isBearable(socket, response)) {
      socket.destroy();
      return;
    }
    response.once('finish', () => this.#options.onAnswered?.(response.statusCode));
    const source = `${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
    const url = parseTarget(request.url ?? '/');
    const audit = (entry: Pick<AuditEntry, 'status'> & Partial<AuditEntry>) =>
      this.#options.audit({
        source,
        path: url.path,
        userAgent: request.headers['user-agent'] ?? '',
        ...entry,
      });
    const limits = this.#limitHeaders(request, source);
    if (!this.#options.limiter.take(`${socket.remoteAddress} ${scopeKey(scope)} ${url.path}`)) {
      audit({ status: 429 });
      send(response, textAnswer(429, 'You have reached maximum request limit.'), limits);
      return;
    }
    const cleaned = cleanPath(url.path);
    if (cleaned !== url.path) {
      const headers = { Location: `${escapedPath(cleaned)}${url.search}` };
      send(response, { ...textAnswer(301, ''), headers }, limits);
      return;
    }
    const body = url.path.startsWith('/api/') ? await readBody(request) : '';
    if (body === 'gone') return;
    if (body === 'too large') {
      send(response, textAnswer(413, 'The body of the request is too large.'), limits);
      return;
    }
    const answer = await this.#answer({
      scope,
      method: request.method ?? 'GET',
      path: url.path,
      query: new URLSearchParams(url.search),
      remoteAddress: socket.remoteAddress ?? '',
      body,
    });
    if (isCredentialsPath(url.path)) audit({ status: answer.status, ...grantedBy(answer) });
    send(response, answer, limits);
  }

  /** One piece that is read may hold a thousand requests: answering all would keep other tasks waiting. */
  #isBearable(socket: Socket, response: ServerResponse): boolean {
    const unanswered = (this.#unanswered.get(socket) ?? 0) + 1;
    if (socket.destroyed || unanswered > MAX_PIPELINED) return false;
    this.#unanswered.set(socket, unanswered);
    response.once('close', () => this.#unanswered.set(socket, (this.#unanswered.get(socket) ?? 1) - 1));
    return true;
  }

  async #answer(request: TaskRequest) {
    try {
      return await routeTaskRequest(this.#options.sources, request);
    } catch {
      return jsonAnswer(500, {});
    }
  }

  #limitHeaders(request: IncomingMessage, source: string): Record<string, string> {
    const forwarded = request.headers['x-forwarded-for'];
    return {
      [LIMIT_HEADER]: this.#options.limiter.steady.toFixed(2),
      'X-Rate-Limit-Duration': '1',
      'X-Rate-Limit-Request-Forwarded-For': Array.isArray(forwarded)
        ? forwarded.join(', ')
        : (forwarded ?? ''),
      'X-Rate-Limit-Request-Remote-Addr': source,
    };
  }
}

function send(response: ServerResponse, answer: Answer, limits: Readonly<Record<string, string>>): void {
  response.setTimeout(REQUEST_TIMEOUT_MS, () => response.destroy());
  response.writeHead(answer.status, {
    ...(answer.contentType !== '' && { 'Content-Type': answer.contentType }),
    'Content-Length': Buffer.byteLength(answer.body),
    ...(answer.ownLimit === undefined ? limits : twice(limits, answer.ownLimit)),
    ...answer.headers,
  });
  response.end(answer.body);
}

/** The headers of two limits, each a second time (metadata-endpoints.md §9). */
function twice(
  limits: Readonly<Record<string, string>>,
  ownLimit: number,
): Record<string, readonly string[]> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, value]) => [
      name,
      [value, name === LIMIT_HEADER ? ownLimit.toFixed(2) : value],
    ]),
  );
}

/** Bodies that nobody reads are thrown away by the server. `gone`: the caller has left before the end of its own. */
async function readBody(request: IncomingMessage): Promise<string | 'too large' | 'gone'> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) return 'too large';
      chunks.push(chunk);
    }
  } catch {
    return 'gone';
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** A path as it may stand in a header. */
function escapedPath(path: string): string {
  return encodeURI(path).replace(/[?#]/g, encodeURIComponent);
}

/** Path and query of a request's target, which may also be a whole URL. Percent signs are taken as Go takes them. */
function parseTarget(target: string): { readonly path: string; readonly search: string } {
  const relative = target.replace(/^https?:\/\/[^/?]*/i, '');
  const at = relative.indexOf('?');
  const raw = at < 0 ? relative : relative.slice(0, at);
  return { path: decoded(raw === '' ? '/' : raw), search: at < 0 ? '' : relative.slice(at) };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function grantedBy(answer: Answer | CredentialsAnswer): Partial<AuditEntry> {
  return ('granted' in answer ? answer.granted : undefined) ?? {};
}

function scopeKey(scope: EndpointScope): string {
  return scope.kind === 'host' ? 'host' : scope.taskId;
}

function isCredentialsPath(path: string): boolean {
  return path === '/v1/credentials' || path.startsWith('/v2/credentials/');
}
