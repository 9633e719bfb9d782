import { Backoff, type BackoffOptions } from './backoff.ts';
import { type Clock, sleepOn } from './clock.ts';
import type { ConnectionEnd, OpenWebSocket, WebSocketConnection } from './web-socket.ts';

/**
 * A WebSocket client that is always connected or about to be (acs.md §5, §6; tcs.md §4).
 *
 *   preparing ─► connecting ─► connected ─► ended ─► (wait) ─► preparing …
 *
 * What a session on top decides is given in the options; what is the same for all of them is here: which ends
 * count as clean, when to reconnect, the inactivity timer and the age limit of a connection.
 */
export interface ReconnectingSocketOptions {
  readonly open: OpenWebSocket;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly backoff: BackoffOptions;
  /** After a connection has lasted this long the backoff starts anew; absent: only clean ends reset it. */
  readonly backoffResetAfter?: Spread;
  readonly inactivity: Spread & {
    /** `cut`: no close frame and a failure; `close`: close frame 1000 and a clean end. */
    readonly action: 'cut' | 'close';
  };
  /** Age at which we close the connection ourselves. */
  readonly maxAge: Spread;
  /** Where to connect to and the signed headers; asked anew for each attempt. */
  prepare(signal: AbortSignal): Promise<{ readonly url: URL; readonly headers: Record<string, string> }>;
  /** The upgrade succeeded. */
  onConnected?(): void;
  /** A message came; `reply` sends on the connection that it came from. */
  onText(text: string, reply: (text: string) => Promise<void>): void;
  /** A wait that a failure calls for instead of the backoff, ms. */
  delayAfter?(error: Error): number | undefined;
  /** A connection or an attempt ended; the next attempt comes after `nextInMs`. */
  onEnded?(end: SocketEnd, nextInMs: number): void;
}

/** A time drawn uniformly from [minMs, minMs + spreadMs). */
export interface Spread {
  readonly minMs: number;
  readonly spreadMs: number;
}

export type SocketEnd =
  | { readonly kind: 'clean'; readonly detail: string }
  | { readonly kind: 'failed'; readonly error: Error };

/** For readiness and introspection. Times are epoch ms. */
export interface SocketState {
  readonly connected: boolean;
  /** Since when it is connected, or not. */
  readonly since: number;
  readonly lastMessageAt?: number;
  /** Why the last attempt or connection failed; kept until one succeeds. */
  readonly lastError?: string;
}

const CLOSE_NORMAL = 1000;
/** Ends that the server means as "come again" (acs.md §6). */
const CLEAN_CODES: ReadonlySet<number> = new Set([1000, 1001, 1006, 1011]);
const EXPIRED_REASON = 'ConnectionExpired: Reconnect to continue';

/** Why we ended a connection ourselves, which then counts more than how it ended. */
type OwnEnd = SocketEnd | undefined;

interface Session {
  readonly connection: WebSocketConnection;
  ownEnd: OwnEnd;
  cancelInactivity: () => void;
}

export class ReconnectingSocket {
  readonly #options: ReconnectingSocketOptions;
  readonly #backoff: Backoff;
  readonly #aborter = new AbortController();
  #state: SocketState;
  #session: Session | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ReconnectingSocketOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.backoff, options.random);
    this.#state = { connected: false, since: options.clock.now() };
  }

  get state(): SocketState {
    return this.#state;
  }

  /** Begins to connect; does nothing when called again. */
  start(): void {
    this.#running ??= this.#run(this.#aborter.signal);
  }

  /** Ends the connection without a close frame and stays so. */
  async stop(): Promise<void> {
    this.#aborter.abort(new Error('the session was stopped'));
    this.#session?.connection.cut();
    await this.#running;
  }

  /** Cuts the connection, if there is one; it is opened again after the backoff. */
  drop(reason: string): void {
    this.#end({ kind: 'failed', error: new Error(reason) });
    this.#session?.connection.cut();
  }

  /** Restarts the inactivity timer: the server has shown life. */
  touch(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { clock, inactivity } = this.#options;
    const limitMs = this.#draw(inactivity);
    session.cancelInactivity();
    session.cancelInactivity = clock.after(limitMs, () => {
      if (inactivity.action === 'close') return this.#expire(session, 'the server was silent');
      session.ownEnd ??= { kind: 'failed', error: new Error(`no message for ${Math.round(limitMs)} ms`) };
      session.connection.cut();
    });
  }

  /** Sends on the present connection; rejects when there is none. */
  send(text: string): Promise<void> {
    return this.#session?.connection.send(text) ?? Promise.reject(new Error('not connected'));
  }

  /** Reading stops until `resume`; without effect on a later connection. */
  pause(): void {
    this.#session?.connection.pause();
  }

  resume(): void {
    this.#session?.connection.resume();
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const end = await this.#connectOnce(signal).catch(
        (error: unknown): SocketEnd => ({ kind: 'failed', error: asError(error) }),
      );
      this.#noteEnd(end);
      if (signal.aborted) return;
      const waitMs = this.#waitAfter(end);
      this.#options.onEnded?.(end, waitMs);
      if (waitMs > 0) await sleepOn(this.#options.clock, waitMs, signal).catch(() => {});
    }
  }

  async #connectOnce(signal: AbortSignal): Promise<SocketEnd> {
    const { open, prepare, onText } = this.#options;
    const { url, headers } = await prepare(signal);
    const connection = await open({
      url,
      headers,
      signal,
      onText: (text) => {
        this.#state = { ...this.#state, lastMessageAt: this.#options.clock.now() };
        onText(text, (reply) => connection.send(reply));
      },
    });
    if (signal.aborted) connection.cut();
    return this.#attend(connection);
  }

  /** Watches over an open connection until its end. */
  async #attend(connection: WebSocketConnection): Promise<SocketEnd> {
    const { clock, maxAge, backoffResetAfter, onConnected } = this.#options;
    const session: Session = { connection, ownEnd: undefined, cancelInactivity: () => {} };
    this.#session = session;
    const { lastError: _, ...state } = this.#state;
    this.#state = { ...state, connected: true, since: clock.now() };
    const cancels = [clock.after(this.#draw(maxAge), () => this.#expire(session, 'the connection aged'))];
    if (backoffResetAfter !== undefined)
      cancels.push(clock.after(this.#draw(backoffResetAfter), () => this.#backoff.reset()));
    try {
      this.touch();
      onConnected?.();
      const end = await connection.ended;
      return session.ownEnd ?? endOf(end);
    } finally {
      this.#session = undefined;
      session.cancelInactivity();
      for (const cancel of cancels) cancel();
    }
  }

  #expire(session: Session, detail: string): void {
    session.ownEnd ??= { kind: 'clean', detail };
    session.connection.close(CLOSE_NORMAL, EXPIRED_REASON);
  }

  #end(end: SocketEnd): void {
    if (this.#session !== undefined) this.#session.ownEnd ??= end;
  }

  #waitAfter(end: SocketEnd): number {
    if (end.kind === 'clean') {
      this.#backoff.reset();
      return 0;
    }
    return this.#options.delayAfter?.(end.error) ?? this.#backoff.next();
  }

  #noteEnd(end: SocketEnd): void {
    const since = this.#state.connected ? this.#options.clock.now() : this.#state.since;
    const lastError = end.kind === 'failed' ? end.error.message : undefined;
    this.#state = { ...this.#state, connected: false, since, ...(lastError !== undefined && { lastError }) };
  }

  #draw({ minMs, spreadMs }: Spread): number {
    return minMs + this.#options.random() * spreadMs;
  }
}

function endOf(end: ConnectionEnd): SocketEnd {
  if (end.kind === 'failed') return end;
  const detail = `closed with code ${end.code}${end.reason === '' ? '' : ` ${end.reason}`}`;
  if (CLEAN_CODES.has(end.code)) return { kind: 'clean', detail };
  return { kind: 'failed', error: new Error(detail) };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
