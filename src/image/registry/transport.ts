import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { Connections } from './connections.ts';
import type { TlsSettings } from './endpoint.ts';
import { freeAtOnce } from './free-at-once.ts';
import { certificateRefusalOf, isCertificateError, RegistryError } from './registry-error.ts';

// As in connections.ts.
const http = process.getBuiltinModule('node:http');
const https = process.getBuiltinModule('node:https');

export interface TransportOptions {
  /** Where SSL_CERT_FILE and SSL_CERT_DIR are looked up. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Longest wait for an answer or for the next byte of it. */
  readonly inactivityMs: number;
  /** Longest wait for a connection. */
  readonly connectMs: number;
}

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Whom the request is about, for errors: the registry's host and repository. */
  readonly host: string;
  readonly repository: string;
  readonly signal: AbortSignal;
  /** Sent as long as the host stays the same. */
  readonly endpointHeaders?: Readonly<Record<string, string>>;
  readonly tls?: TlsSettings;
  /** Redirects to plain HTTP are followed, since the request itself is made so on purpose. */
  readonly mayBePlain?: boolean;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** The answer's bytes; read it to the end or leave the loop, either frees the connection. */
  readonly body: AsyncIterable<Buffer>;
  /** Frees the connection of an answer that nobody will read. */
  discard(): void;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_REDIRECTS = 10;
const MAX_DISMISSED_BYTES = 64 << 10;

/** Whether a URL's or registry's host can only be this machine; only such are spoken to without TLS. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return (
    name === 'localhost' || name.endsWith('.localhost') || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)
  );
}

/**
 * HTTP towards registries: connections kept alive, redirects followed, every wait bounded. A byte that arrives
 * restarts the clock, and a reader that takes its time is not held against the registry.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #connections: Connections;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#connections = new Connections(options.env);
  }

  /** Sends a request and follows redirects; who the agent is stays behind when the host changes. */
  async request(request: TransportRequest): Promise<TransportResponse> {
    let { tls, url } = request;
    let headers: Record<string, string> = { ...request.endpointHeaders, ...request.headers };
    for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
      const response = await this.#send({ ...request, url, headers, ...(tls !== undefined && { tls }) });
      const { location } = response.headers;
      const status = response.statusCode ?? 0;
      if (!REDIRECTS.has(status) || location === undefined) {
        return {
          status,
          headers: response.headers,
          body: this.#watched(response, request),
          discard: () => response.destroy(),
        };
      }
      dismiss(response);
      const next = URL.parse(location, url.href);
      const mayBePlain = request.mayBePlain === true;
      if (next === null || !isAllowed(next, { mayBePlain })) {
        throw protocolError(
          request,
          `redirects to ${next?.origin ?? 'something that is no URL'}, which is not https`,
        );
      }
      if (next.host !== url.host || next.protocol !== url.protocol) {
        headers = Object.fromEntries(
          Object.entries(request.headers).filter(([name]) => name.toLowerCase() !== 'authorization'),
        );
        if (tls !== undefined) tls = { ...tls, clientPairs: [] };
      }
      url = next;
    }
    throw protocolError(request, `redirects more than ${MAX_REDIRECTS} times`);
  }

  /** Closes idle connections; requests under way are the callers' to abort. */
  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #send(request: TransportRequest): Promise<IncomingMessage> {
    const { url, signal } = request;
    signal.throwIfAborted();
    const secure = url.protocol === 'https:';
    const agent = secure ? await this.#secureAgent(request) : this.#connections.plain;
    const answer = Promise.withResolvers<IncomingMessage>();
    const sent = (secure ? https : http).request(url, {
      method: request.method,
      headers: { 'user-agent': 'ecs-containerd-agent', 'accept-encoding': 'identity', ...request.headers },
      agent,
      signal,
    });
    const seconds = (ms: number) => `${Math.round(ms / 100) / 10} s`;
    const { connectMs, inactivityMs } = this.#options;
    const dial = setTimeout(() => {
      sent.destroy(timeout(`dial ${url.host}: i/o timeout, no connection within ${seconds(connectMs)}`));
    }, connectMs);
    const silence = setTimeout(() => {
      sent.destroy(timeout(`${url.host} accepted the request and said nothing for ${seconds(inactivityMs)}`));
    }, inactivityMs);
    sent.on('socket', (socket) => {
      if (!socket.connecting) clearTimeout(dial);
      else socket.once('connect', () => clearTimeout(dial));
      // The parser hears of them first and copies what is in them: half of the garbage that a pull would make.
      socket.on('data', freeAtOnce);
      sent.once('close', () => socket.off('data', freeAtOnce));
    });
    sent.once('response', answer.resolve);
    sent.on('error', answer.reject);
    sent.end();
    try {
      return await answer.promise;
    } catch (error) {
      signal.throwIfAborted();
      throw networkError(request, error);
    } finally {
      clearTimeout(dial);
      clearTimeout(silence);
    }
  }

  async #secureAgent({ host, repository, tls }: TransportRequest): Promise<HttpsAgent> {
    try {
      return await this.#connections.secure(tls);
    } catch (error) {
      const files =
        tls === undefined
          ? 'of SSL_CERT_FILE and SSL_CERT_DIR'
          : 'of hosts.toml, SSL_CERT_FILE and SSL_CERT_DIR';
      const detail = `the certificates ${files} cannot be read: ${text(error)}`;
      throw new RegistryError({ host, repository, code: 'TLS', detail, cause: error });
    }
  }

  async *#watched(response: IncomingMessage, request: TransportRequest): AsyncGenerator<Buffer, void, void> {
    const { inactivityMs } = this.#options;
    let waiting = true;
    const timer = setTimeout(() => {
      if (waiting) response.destroy(timeout(`no byte arrived for ${Math.round(inactivityMs / 100) / 10} s`));
    }, inactivityMs);
    try {
      for await (const chunk of response) {
        waiting = false;
        yield chunk;
        waiting = true;
        timer.refresh();
      }
    } catch (error) {
      request.signal.throwIfAborted();
      throw networkError(request, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Whether a URL that a server names may be asked: by https, and by plain HTTP only where that is meant. */
export function isAllowed(
  { protocol, hostname }: URL,
  { mayBePlain }: { readonly mayBePlain: boolean },
): boolean {
  return protocol === 'https:' || (protocol === 'http:' && (mayBePlain || isLoopback(hostname)));
}

/** Lets go of an answer; reads a short one to its end, which keeps its connection for the next request. */
function dismiss(response: IncomingMessage): void {
  if (Number(response.headers['content-length'] ?? Number.POSITIVE_INFINITY) > MAX_DISMISSED_BYTES)
    response.destroy();
  else response.resume();
}

/** Reads a whole answer. More than `limit` bytes is an error, since no honest answer of that kind is so long. */
export async function readAll(
  response: TransportResponse,
  limit: number,
  request: Pick<TransportRequest, 'host' | 'repository'>,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > limit) throw protocolError(request, `sends a document of more than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** The registry does something that the protocol does not allow; never worth a retry. */
export function protocolError(
  request: Pick<TransportRequest, 'host' | 'repository'>,
  what: string,
): RegistryError {
  const { host, repository } = request;
  return new RegistryError({ host, repository, code: 'PROTOCOL', detail: what });
}

function timeout(message: string): Error {
  return Object.assign(new Error(message), { code: 'ETIMEDOUT' });
}

function networkError(request: TransportRequest, error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  const { host, repository } = request;
  const code = codeOf(error);
  const failure = { host, repository, cause: error };
  if (isCertificateError(code)) {
    return new RegistryError({
      ...failure,
      code: 'TLS',
      detail: `certificate not accepted: ${text(error)} (${code})`,
    });
  }
  const refusal = certificateRefusalOf(code);
  if (refusal !== undefined) {
    const detail = `${refusal} (${code}); hosts.toml names ours as client`;
    return new RegistryError({ ...failure, code: 'TLS', detail });
  }
  if (code === 'EPROTO' || /^ERR_SSL_(WRONG_VERSION|PACKET_LENGTH|HTTP_REQUEST)/.test(code)) {
    const detail = `${request.url.host} does not speak TLS, and plain HTTP is for loopback registries only`;
    return new RegistryError({ ...failure, code: 'NO_TLS', detail });
  }
  return new RegistryError({ ...failure, code, detail: text(error) });
}

function codeOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'code' in error) return String(error.code);
  return 'UNKNOWN';
}

function text(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(text).join('; ');
  return error instanceof Error ? error.message : String(error);
}
