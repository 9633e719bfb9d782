import type { Agent as HttpAgent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';

/** Limits of one request, ms. */
export interface HttpTimeouts {
  /** Until the TCP connection stands, name look-up included. */
  readonly dialMs: number;
  readonly tlsMs: number;
  /** Until the whole answer is there. */
  readonly totalMs: number;
}

export interface HttpCall {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeouts: HttpTimeouts;
  /** Keeps connections; must fit the URL's scheme. */
  readonly agent?: HttpAgent;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** No whole answer came: refused, cut, too large or too slow. `timedOut` tells the last apart. */
export class HttpRequestError extends Error {
  override readonly name = 'HttpRequestError';
  readonly timedOut: boolean;

  constructor(message: string, options: { timedOut: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.timedOut = options.timedOut;
  }
}

/** Answers of the services asked here are a few kilobytes. */
const MAX_ANSWER_BYTES = 8 * 1024 * 1024;

/**
 * One HTTP request with its whole answer as text, whatever the status. Rejects with `HttpRequestError`, or with
 * the signal's reason when aborted.
 */
export async function sendHttp(call: HttpCall): Promise<HttpAnswer> {
  call.signal?.throwIfAborted();
  const send = call.url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>();
  const request = send(call.url, {
    method: call.method,
    headers: call.headers,
    ...(call.agent !== undefined && { agent: call.agent }),
  });
  // Kept connections are what HTTP/1.1 means without a word; the Amazon ECS agent sends no such header either.
  if (call.agent !== undefined) request.removeHeader('connection');
  const expire = (what: string, ms: number) =>
    setTimeout(() => {
      const message = `${call.url.origin} ${what} within ${ms} ms`;
      request.destroy(new HttpRequestError(message, { timedOut: true }));
    }, ms);
  const timers = [expire('did not answer', call.timeouts.totalMs)];
  const onAbort = () => request.destroy();
  call.signal?.addEventListener('abort', onAbort, { once: true });

  request.on('socket', (socket) => watchConnection(socket, call, expire, timers));
  request.on('error', (error) => reject(asRequestError(call.url, error)));
  request.on('response', (response) => {
    readAnswer(response).then(resolve, (error: unknown) => {
      request.destroy();
      reject(asRequestError(call.url, error));
    });
  });
  request.end(call.body);
  try {
    return await promise;
  } catch (error) {
    call.signal?.throwIfAborted();
    throw error;
  } finally {
    for (const timer of timers) clearTimeout(timer);
    call.signal?.removeEventListener('abort', onAbort);
  }
}

/** Bounds the dial, then the TLS handshake; a kept connection needs neither. */
function watchConnection(
  socket: Socket,
  call: HttpCall,
  expire: (what: string, ms: number) => NodeJS.Timeout,
  timers: NodeJS.Timeout[],
): void {
  if (!socket.connecting) return;
  const dial = expire('could not be connected', call.timeouts.dialMs);
  timers.push(dial);
  socket.once('connect', () => {
    clearTimeout(dial);
    if (call.url.protocol !== 'https:') return;
    const handshake = expire('did not finish the TLS handshake', call.timeouts.tlsMs);
    timers.push(handshake);
    socket.once('secureConnect', () => clearTimeout(handshake));
  });
}

async function readAnswer(response: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is larger than ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  const raw = Buffer.concat(chunks);
  const zipped = response.headers['content-encoding'] === 'gzip';
  const body = zipped ? await gunzip(raw) : raw;
  return { status: response.statusCode ?? 0, headers: response.headers, body: body.toString('utf8') };
}

async function gunzip(raw: Buffer): Promise<Buffer> {
  const { gunzip: unzip } = await import('node:zlib');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  unzip(raw, { maxOutputLength: MAX_ANSWER_BYTES }, (error, result) =>
    error === null ? resolve(result) : reject(error),
  );
  return await promise;
}

function asRequestError(url: URL, error: unknown): HttpRequestError {
  if (error instanceof HttpRequestError) return error;
  const why = error instanceof Error ? error.message || error.name : String(error);
  return new HttpRequestError(`${url.origin} could not be asked: ${why}`, { timedOut: false, cause: error });
}
