import type {
  ConnectionEnd,
  ConnectRequest,
  OpenWebSocket,
  WebSocketConnection,
} from '../../../src/async/web-socket.ts';

/** A connection in memory: the test is the server. */
export class ScriptedConnection implements WebSocketConnection {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly sent: string[] = [];
  /** What the agent did to the connection. */
  readonly deeds: string[] = [];
  readonly ended: Promise<ConnectionEnd>;
  readonly #end: (end: ConnectionEnd) => void;
  readonly #onText: (text: string) => void;
  /** Set: sends fail. */
  sendError: Error | undefined;

  constructor({ url, headers, onText }: ConnectRequest) {
    const { promise, resolve } = Promise.withResolvers<ConnectionEnd>();
    this.url = url;
    this.headers = headers;
    this.ended = promise;
    this.#end = resolve;
    this.#onText = onText;
  }

  send(text: string): Promise<void> {
    if (this.sendError !== undefined) return Promise.reject(this.sendError);
    this.sent.push(text);
    return Promise.resolve();
  }

  /** The server completes the close at once. */
  close(code: number, reason: string): void {
    this.deeds.push(`close ${code} ${reason}`);
    this.#end({ kind: 'closed', code, reason });
  }

  cut(): void {
    this.deeds.push('cut');
    this.#end({ kind: 'closed', code: 1006, reason: '' });
  }

  pause(): void {
    this.deeds.push('pause');
  }

  resume(): void {
    this.deeds.push('resume');
  }

  /** The server sends. */
  receive(type: string, message: object = {}): void {
    this.#onText(JSON.stringify({ type, message }));
  }

  receiveText(text: string): void {
    this.#onText(text);
  }

  /** The server, or the network, ends the connection. */
  endWith(end: ConnectionEnd): void {
    this.#end(end);
  }

  closedByServer(code: number, reason = ''): void {
    this.#end({ kind: 'closed', code, reason });
  }

  /** What the agent sent, read. */
  messages(type?: string): { type: string; message: Record<string, unknown> }[] {
    return this.sent
      .map((text) => JSON.parse(text))
      .filter((frame) => type === undefined || frame.type === type);
  }
}

/** Hands out scripted connections, or refuses as long as `refusal` is set. */
export class ScriptedServer {
  readonly connections: ScriptedConnection[] = [];
  refusal: Error | undefined;
  attempts = 0;

  readonly open: OpenWebSocket = async (request) => {
    this.attempts += 1;
    if (this.refusal !== undefined) throw this.refusal;
    const connection = new ScriptedConnection(request);
    this.connections.push(connection);
    return connection;
  };

  /** The latest connection. */
  get connection(): ScriptedConnection {
    const connection = this.connections.at(-1);
    if (connection === undefined) throw new Error('no connection was opened');
    return connection;
  }
}
