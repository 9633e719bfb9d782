import { connect, type Socket } from 'node:net';
import { Backoff } from '../async/backoff.ts';
import { sleep, withDeadline } from '../async/deadline.ts';
import { z } from '../schema.ts';
import { serviceSocketPath } from './log-paths.ts';
import {
  type LogServiceProcessOptions,
  type StartedLogService,
  startLogService,
} from './log-service-process.ts';
import {
  LineSplitter,
  type LogServiceEvent,
  type LogServiceFailure,
  type LogServiceMethod,
  type LogServiceRequest,
  PROTOCOL_VERSION,
} from './protocol.ts';
import { DROP_REASONS } from './service/log-counters.ts';

/** Where the log service's failures go. A pino logger fits. */
export interface LogServiceLogger {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface LogServiceConnectionOptions extends LogServiceProcessOptions {
  readonly logger?: LogServiceLogger;
  onEvent(event: LogServiceEvent): void;
  /** Runs after each connect, before any call; what it throws ends the connection. */
  onConnected(call: Call): Promise<void>;
}

/** Asks once, on the present connection. */
export type Call = <M extends LogServiceMethod>(
  request: LogServiceRequest & { method: M },
) => Promise<unknown>;

/** The service answered with a failure. */
export class LogServiceError extends Error {
  override readonly name = 'LogServiceError';
  readonly code: LogServiceFailure['code'];

  constructor(failure: LogServiceFailure) {
    super(failure.message);
    this.code = failure.code;
  }
}

/** The connection ended before the answer came; whether the service acted is unknown. */
class ConnectionLostError extends Error {
  override readonly name = 'ConnectionLostError';
}

const helloSchema = z.object({ protocol: z.number(), pid: z.number() });
const messageSchema = z.union([
  z.object({ id: z.number(), result: z.unknown() }),
  z.object({
    id: z.number(),
    error: z.object({ code: z.enum(['setup', 'invalid', 'internal']), message: z.string() }),
  }),
  z.object({
    event: z.literal('dropped'),
    id: z.string(),
    taskArn: z.string(),
    reason: z.enum(DROP_REASONS),
    lines: z.number(),
    bytes: z.number(),
  }),
  z.object({
    event: z.literal('trouble'),
    id: z.string(),
    taskArn: z.string(),
    driver: z.string(),
    why: z.string(),
  }),
  z.object({ event: z.literal('credentialsNeeded'), id: z.string() }),
  z.object({ event: z.literal('secretsNeeded'), id: z.string(), taskArn: z.string() }),
]);

const HELLO_TIMEOUT_MS = 10_000;
const CONNECT_INTERVAL_MS = 20;

/**
 * A connection to the log service that is made again whenever it ends, starting the service where none runs.
 * Calls wait for it and are asked again on the next one: every request may be repeated.
 */
export class LogServiceConnection {
  readonly #options: LogServiceConnectionOptions;
  readonly #closing = new AbortController();
  readonly #backoff = new Backoff({ minMs: 20, maxMs: 1_000, factor: 1.5, jitter: 0.2 });
  readonly #running: Promise<void>;
  #process: StartedLogService | undefined;
  #connected = Promise.withResolvers<Channel>();

  constructor(options: LogServiceConnectionOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Asks until an answer comes. Rejects with LogServiceError, or with the signal's reason. */
  async call(request: LogServiceRequest, timeoutMs: number, signal?: AbortSignal): Promise<unknown> {
    return await withDeadline(`log service call ${request.method}`, timeoutMs, signal, async (inner) => {
      for (;;) {
        const channel = await this.#connected.promise;
        // Given up long ago: what was asked must not happen now.
        inner.throwIfAborted();
        try {
          return await channel.call(request);
        } catch (error) {
          if (!(error instanceof ConnectionLostError)) throw error;
          // A socket is of no use some time before it tells so: asking again at once would never let it.
          await channel.closed;
        }
      }
    });
  }

  /** Ends the connection; the service goes on. */
  async close(): Promise<void> {
    this.#closing.abort(new Error('the connection to the log service is closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let lastWarning = '';
    while (!signal.aborted) {
      try {
        const channel = await Channel.open(serviceSocketPath(this.#options), this.#options.onEvent);
        const close = () => channel.close();
        signal.addEventListener('abort', close, { once: true });
        // Closed while the connection was being made.
        if (signal.aborted) close();
        try {
          await this.#greet(channel);
          lastWarning = '';
          await this.#serve(channel);
        } finally {
          signal.removeEventListener('abort', close);
          channel.close();
        }
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        const expected =
          error instanceof Error &&
          'code' in error &&
          (error.code === 'ENOENT' || error.code === 'ECONNREFUSED');
        if (!expected && !signal.aborted && message !== lastWarning) {
          this.#options.logger?.warn({ err: error }, 'log service cannot be used');
          lastWarning = message;
        }
        if (expected && !signal.aborted && this.#process?.running !== true)
          this.#process = startLogService(this.#options);
      }
      // One that is coming up ends again unless it is met soon; one that fails to is not started all the time.
      const delayMs = this.#process?.running === true ? CONNECT_INTERVAL_MS : this.#backoff.next();
      await sleep(delayMs, signal).catch(() => {});
    }
    this.#connected.promise.catch(() => {});
    this.#connected.reject(signal.reason);
  }

  async #greet(channel: Channel): Promise<void> {
    const hello = await withDeadline('greeting the log service', HELLO_TIMEOUT_MS, undefined, () =>
      channel.call({ method: 'hello' }),
    );
    const { protocol, pid } = helloSchema.parse(hello);
    if (protocol !== PROTOCOL_VERSION) {
      // Of another version of us: it leaves everything on disk for the one that comes.
      await channel.call({ method: 'quit' });
      await channel.closed;
      throw new ConnectionLostError(`the log service spoke protocol ${protocol}, not ${PROTOCOL_VERSION}`);
    }
    await withDeadline('taking up logs', HELLO_TIMEOUT_MS, undefined, () =>
      this.#options.onConnected((request) => channel.call(request)),
    );
    this.#options.logger?.info({ pid }, 'log service connected');
  }

  async #serve(channel: Channel): Promise<void> {
    this.#backoff.reset();
    this.#connected.resolve(channel);
    await channel.closed;
    this.#connected = Promise.withResolvers();
    if (this.#closing.signal.aborted) return;
    this.#options.logger?.warn({}, 'connection to the log service ended; connecting again');
  }
}

/** One connection: requests and their answers. */
class Channel {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 1;

  static async open(path: string, onEvent: (event: LogServiceEvent) => void): Promise<Channel> {
    const socket = connect(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new Channel(socket, onEvent);
  }

  private constructor(socket: Socket, onEvent: (event: LogServiceEvent) => void) {
    this.#socket = socket;
    const splitter = new LineSplitter();
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      try {
        for (const line of splitter.push(piece)) this.#receive(line, onEvent);
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined);
      }
    });
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const { reject } of this.#waiting.values())
          reject(new ConnectionLostError('the connection to the log service ended'));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  async call(request: LogServiceRequest): Promise<unknown> {
    if (this.#socket.destroyed) throw new ConnectionLostError('the connection to the log service ended');
    const id = this.#nextId++;
    const answer = Promise.withResolvers<unknown>();
    this.#waiting.set(id, answer);
    this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
    return await answer.promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(line: string, onEvent: (event: LogServiceEvent) => void): void {
    const message = messageSchema.parse(JSON.parse(line));
    if ('event' in message) {
      onEvent(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ('error' in message) waiting?.reject(new LogServiceError(message.error));
    else waiting?.resolve(message.result);
  }
}
