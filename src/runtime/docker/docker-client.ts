import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { z } from '../../schema.ts';
import { RuntimeUnavailableError } from '../../task/errors.ts';
import { DockerError } from './docker-error.ts';

/** Newest version of the Engine API that this client speaks, and the oldest that has all it needs. */
export const NEWEST_API = '1.44';
export const OLDEST_API = '1.30';

export interface DockerCall {
  readonly query?: Readonly<Record<string, string>>;
  /** Sent as JSON; bytes as they are. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** dockerd's Engine API on its unix socket. Rejects with `DockerError`, or `RuntimeUnavailableError`. */
export class DockerClient {
  readonly socketPath: string;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #prefix: string;

  /** `version` as `negotiate` gave it. */
  constructor(socketPath: string, version: string) {
    this.socketPath = socketPath;
    this.#prefix = `/v${version}`;
  }

  /** A call that is answered with a document. */
  async call<T>(method: string, path: string, schema: z.ZodMiniType<T>, call: DockerCall): Promise<T> {
    const text = await this.#text(method, path, call);
    const parsed = schema.safeParse(text === '' ? undefined : JSON.parse(text));
    if (!parsed.success)
      throw new DockerError(
        200,
        `${method} ${path} of dockerd gave an answer of another form: ${parsed.error.message}`,
      );
    return parsed.data;
  }

  /** A call whose answer's body says nothing. Gives the status. */
  async send(method: string, path: string, call: DockerCall): Promise<number> {
    const response = await this.#open(method, path, call);
    response.resume();
    return response.statusCode ?? 0;
  }

  /** A call that is answered with a stream. */
  async stream(method: string, path: string, call: DockerCall): Promise<IncomingMessage> {
    return await this.#open(method, path, call);
  }

  /** A call that turns its connection into a stream of its own (`Upgrade: tcp`). */
  async hijack(path: string, call: DockerCall): Promise<Duplex> {
    const { promise, resolve, reject } = Promise.withResolvers<Duplex>();
    const request = this.#request('POST', path, call, { Connection: 'Upgrade', Upgrade: 'tcp' });
    request.once('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    request.once(
      'response',
      (response) => void readAll(response).then((text) => reject(errorOf(response, text)), reject),
    );
    request.once('error', (error) => reject(unreachable(error, this.socketPath)));
    request.end(JSON.stringify(call.body ?? {}));
    return await promise;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #text(method: string, path: string, call: DockerCall): Promise<string> {
    return await readAll(await this.#open(method, path, call));
  }

  async #open(method: string, path: string, call: DockerCall): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const request = this.#request(method, path, call, {});
    request.once('response', resolve);
    request.once('error', (error) => reject(unreachable(error, this.socketPath)));
    request.end(encoded(call.body));
    const response = await promise;
    if ((response.statusCode ?? 0) < 400) return response;
    throw errorOf(response, await readAll(response));
  }

  #request(
    method: string,
    path: string,
    { query = {}, body, headers, signal }: DockerCall,
    more: Record<string, string>,
  ) {
    const search = new URLSearchParams(query).toString();
    return httpRequest({
      agent: this.#agent,
      socketPath: this.socketPath,
      method,
      path: `${this.#prefix}${path}${search === '' ? '' : `?${search}`}`,
      headers: {
        Host: 'docker',
        ...(body !== undefined && {
          'Content-Type': body instanceof Uint8Array ? 'application/x-tar' : 'application/json',
        }),
        ...headers,
        ...more,
      },
      signal,
    });
  }
}

/** The version to speak with the daemon behind a socket: the older one of both newest (`GET /_ping`). */
export async function negotiate(socketPath: string, signal: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const request = httpRequest({
    socketPath,
    path: '/_ping',
    headers: { Host: 'docker' },
    agent: false,
    signal,
  });
  request.once('response', resolve);
  request.once('error', (error) => reject(unreachable(error, socketPath)));
  request.end();
  const response = await promise;
  const text = await readAll(response);
  if (response.statusCode !== 200) throw errorOf(response, text);
  const theirs = String(response.headers['api-version'] ?? OLDEST_API);
  return compareVersions(theirs, NEWEST_API) < 0 ? theirs : NEWEST_API;
}

/** Below 0: `a` is the older. */
export function compareVersions(a: string, b: string): number {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA - majorB || minorA - minorB;
}

function encoded(body: unknown): string | Uint8Array | undefined {
  return body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body);
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function errorOf(response: IncomingMessage, text: string): DockerError {
  return new DockerError(response.statusCode ?? 0, messageOf(text));
}

function messageOf(text: string): string {
  try {
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && 'message' in document)
      return String(document.message);
  } catch {
    // Not every error is a document.
  }
  return text.trim();
}

function unreachable(error: Error, socketPath: string): Error {
  if (error.name === 'AbortError') return error;
  return new RuntimeUnavailableError(`dockerd does not answer at ${socketPath}: ${error.message}`, {
    cause: error,
  });
}
