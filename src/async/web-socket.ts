import type { Agent, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type ClientOptions, WebSocket } from 'ws';
import { type Clock, systemClock } from './clock.ts';

/** One WebSocket connection of ours to a server, after its upgrade. */
export interface WebSocketConnection {
  /**
   * Sends one text frame; resolves once it is with the kernel, rejects when the connection ended before. A frame
   * that cannot be written within the I/O limit ends the connection.
   */
  send(text: string): Promise<void>;
  /** Sends a close frame and waits, within `ended`, for the server's. */
  close(code: number, reason: string): void;
  /** Ends the TCP connection without a close frame (OBS-49); what was sent before still goes out. */
  cut(): void;
  /** Stops reading, so that a server that sends faster than we handle is slowed down; `resume` goes on. */
  pause(): void;
  resume(): void;
  /** Settles once, never rejects. */
  readonly ended: Promise<ConnectionEnd>;
}

/** How a connection ended. Code 1006: the stream ended without a close frame. */
export type ConnectionEnd =
  | { readonly kind: 'closed'; readonly code: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: Error };

/** The server answered the upgrade with something other than 101. */
export class UpgradeRefusedError extends Error {
  override readonly name = 'UpgradeRefusedError';
  readonly status: number;
  /** The answer's body, at most 64 KiB of it. */
  readonly body: string;

  constructor(status: number, body: string) {
    super(`the server refused the upgrade with status ${status}: ${body}`);
    this.status = status;
    this.body = body;
  }
}

export interface ConnectRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Called for each application message, in order; binary ones are read as text (acs.md §4). */
  readonly onText: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Opens a connection; rejects with `UpgradeRefusedError`, a transport error or the signal's reason. */
export type OpenWebSocket = (request: ConnectRequest) => Promise<WebSocketConnection>;

/** How connections reach the network; all optional. */
export interface WebSocketTransport {
  /** HTTP agent for a URL, for proxies; absent: a direct connection. */
  readonly agentFor?: (url: URL) => Agent | undefined;
  /** Trusted certificates in PEM instead of Node's own. */
  readonly ca?: string | readonly string[];
  /** False only for tests against servers without a proper certificate. */
  readonly rejectUnauthorized?: boolean;
  readonly clock?: Clock;
}

const HANDSHAKE_LIMIT_MS = 30_000;
/** Limit of each read and each write: two heartbeats and a minute (acs.md §5). */
const IO_LIMIT_MS = 180_000;
/** How long a server may take to answer our FIN. (Our close frame: 30 s, the default of ws.) */
const FIN_ANSWER_LIMIT_MS = 100;
/** Far above any real message, and a bound on what one frame can make us allocate. */
const MESSAGE_LIMIT_BYTES = 100 * 1024 * 1024;
const REFUSAL_BODY_LIMIT_BYTES = 64 * 1024;

/** Makes an opener on the `ws` package: no compression, no subprotocol, no redirects, TLS 1.2 at least. */
export function webSocketOpener(transport: WebSocketTransport = {}): OpenWebSocket {
  const clock = transport.clock ?? systemClock;
  return (request) => openWebSocket(request, transport, clock);
}

async function openWebSocket(
  { url, headers, onText, signal }: ConnectRequest,
  transport: WebSocketTransport,
  clock: Clock,
): Promise<WebSocketConnection> {
  signal.throwIfAborted();
  const socket = new WebSocket(url, clientOptions(url, headers, transport));
  const opened = Promise.withResolvers<WebSocketConnection>();
  const connection = new Connection(socket, clock, onText);
  socket.once('open', () => opened.resolve(connection));
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    readRefusal(response).then(
      (body) => {
        opened.reject(new UpgradeRefusedError(response.statusCode ?? 0, body));
        socket.terminate();
      },
      (error: unknown) => {
        opened.reject(error);
        socket.terminate();
      },
    );
  });
  connection.ended.then((end) =>
    opened.reject(
      end.kind === 'failed' ? end.error : new Error(`the connection ended with code ${end.code}`),
    ),
  );
  const onAbort = () => {
    opened.reject(signal.reason);
    socket.terminate();
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const cancelLimit = clock.after(2 * HANDSHAKE_LIMIT_MS, () => {
    opened.reject(new Error(`no answer to the upgrade of ${url.host} within ${2 * HANDSHAKE_LIMIT_MS} ms`));
    socket.terminate();
  });
  try {
    return await opened.promise;
  } finally {
    cancelLimit();
    signal.removeEventListener('abort', onAbort);
  }
}

function clientOptions(
  url: URL,
  headers: Readonly<Record<string, string>>,
  { agentFor, ca, rejectUnauthorized }: WebSocketTransport,
): ClientOptions {
  const agent = agentFor?.(url);
  return {
    headers: { ...headers },
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MESSAGE_LIMIT_BYTES,
    handshakeTimeout: HANDSHAKE_LIMIT_MS,
    minVersion: 'TLSv1.2',
    ...(agent !== undefined && { agent }),
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
  };
}

async function readRefusal(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.from(chunk);
    chunks.push(bytes.subarray(0, REFUSAL_BODY_LIMIT_BYTES - size));
    size += bytes.length;
    if (size >= REFUSAL_BODY_LIMIT_BYTES) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

class Connection implements WebSocketConnection {
  readonly ended: Promise<ConnectionEnd>;
  readonly #webSocket: WebSocket;
  readonly #clock: Clock;
  #tcp: Socket | undefined;
  #failure: Error | undefined;
  #cutting = false;
  #cancelReadLimit: () => void = () => {};

  constructor(webSocket: WebSocket, clock: Clock, onText: (text: string) => void) {
    this.#webSocket = webSocket;
    this.#clock = clock;
    const ended = Promise.withResolvers<ConnectionEnd>();
    this.ended = ended.promise;
    webSocket.on('upgrade', (response) => {
      this.#tcp = response.socket;
      response.socket.on('error', (error) => this.#fail(error));
      this.#restartReadLimit();
    });
    webSocket.on('message', (data) => {
      this.#restartReadLimit();
      onText(data.toString());
    });
    webSocket.on('error', (error) => this.#fail(error));
    webSocket.on('close', (code, reason) => {
      this.#cancelReadLimit();
      ended.resolve(
        this.#failure === undefined
          ? { kind: 'closed', code, reason: reason.toString() }
          : { kind: 'failed', error: this.#failure },
      );
    });
  }

  send(text: string): Promise<void> {
    if (this.#cutting) return Promise.reject(new Error('the connection is being closed'));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const cancelLimit = this.#clock.after(IO_LIMIT_MS, () =>
      this.#abandon(new Error(`nothing could be written for ${IO_LIMIT_MS} ms`)),
    );
    this.#webSocket.send(text, { binary: false, compress: false }, (error) => {
      cancelLimit();
      if (error) reject(error);
      else resolve();
    });
    return promise;
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason);
  }

  cut(): void {
    if (this.#cutting) return;
    this.#cutting = true;
    this.#tcp?.end();
    const cancel = this.#clock.after(FIN_ANSWER_LIMIT_MS, () => this.#tcp?.destroy());
    this.ended.then(cancel);
  }

  pause(): void {
    this.#webSocket.pause();
  }

  resume(): void {
    this.#webSocket.resume();
  }

  #restartReadLimit(): void {
    this.#cancelReadLimit();
    this.#cancelReadLimit = this.#clock.after(IO_LIMIT_MS, () =>
      this.#abandon(new Error(`nothing was received for ${IO_LIMIT_MS} ms`)),
    );
  }

  #abandon(error: Error): void {
    this.#fail(error);
    this.#webSocket.terminate();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
  }
}
