import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

/** One thing that went over the wire, in the form of test/golden/*.jsonl (index.md there). */
export interface WireLine {
  readonly n: number;
  readonly ch: string;
  /** `in`: from the agent. */
  readonly dir: string;
  readonly op?: string;
  readonly event?: string;
  readonly type?: string;
  readonly method?: string;
  readonly path?: string;
  readonly rawUrl?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signedPrefix?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly code?: number;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly message?: Readonly<Record<string, unknown>>;
}

/** An answer to an API call; a status other than 2xx carries `__type` and `message`. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: object;
}

/** Answers a call; undefined leaves it to the double. */
export type AnswerCall = (
  operation: string,
  body: Readonly<Record<string, unknown>>,
) => ApiAnswer | undefined;

export interface RecordingOptions {
  /** Name in the ARNs; default `peer`. */
  readonly cluster?: string;
  readonly containerInstanceArn?: string;
  readonly answer?: AnswerCall;
  /** Answers of the metadata service by path; anything else is 404. */
  readonly imds?: Readonly<Record<string, string>>;
  /** Told of each line as it is written down. */
  readonly onLine?: (line: WireLine) => void;
}

export type Channel = 'acs' | 'tcs';

/**
 * ECS API, ACS, TCS and instance metadata on one loopback port: takes everything, checks nothing, and writes
 * down what came, in the order in which it came.
 */
export class RecordingControlPlane implements AsyncDisposable {
  readonly lines: WireLine[] = [];
  readonly containerInstanceArn: string;
  readonly #options: RecordingOptions;
  readonly #server: Server;
  readonly #webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  readonly #open = new Map<Channel, WebSocket>();
  readonly #wires = new Map<Channel, Duplex>();
  /** Bytes with which upgrades of a channel are answered instead, and the connection ended. */
  readonly refusals = new Map<Channel, string>();

  private constructor(options: RecordingOptions) {
    const cluster = options.cluster ?? 'peer';
    this.#options = options;
    this.containerInstanceArn =
      options.containerInstanceArn ??
      `arn:aws:ecs:us-west-2:123456789012:container-instance/${cluster}/${randomUUID().replaceAll('-', '')}`;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
  }

  static async start(options: RecordingOptions = {}): Promise<RecordingControlPlane> {
    const double = new RecordingControlPlane(options);
    const { promise, resolve } = Promise.withResolvers<void>();
    double.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return double;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Whether an agent is connected there. */
  connected(channel: Channel): boolean {
    return this.#open.has(channel);
  }

  /** What came from the agent, of one kind. */
  received(test: (line: WireLine) => boolean): readonly WireLine[] {
    return this.lines.filter((line) => line.dir === 'in' && test(line));
  }

  /** Bodies of SubmitTaskStateChange, in order. */
  get reports(): readonly Readonly<Record<string, unknown>>[] {
    return this.received(({ op }) => op === 'SubmitTaskStateChange').map(({ body }) => body ?? {});
  }

  /** Sends a message to the agent. Throws when it is not connected. */
  send(channel: Channel, type: string, message: Readonly<Record<string, unknown>>): void {
    const socket = this.#open.get(channel);
    if (socket === undefined) throw new Error(`no agent is connected to ${channel}`);
    this.#note({ ch: channel, dir: 'out', event: 'message', type, message });
    socket.send(JSON.stringify({ type, message }));
  }

  /** Sends a text frame as it is. Throws when the agent is not connected. */
  sendText(channel: Channel, text: string): void {
    const socket = this.#open.get(channel);
    if (socket === undefined) throw new Error(`no agent is connected to ${channel}`);
    socket.send(text);
  }

  /** Puts bytes on the wire that need not be a frame. */
  sendBytes(channel: Channel, bytes: Uint8Array): void {
    this.#wires.get(channel)?.write(bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#webSockets.clients) socket.terminate();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }

  #note(line: Omit<WireLine, 'n'>): void {
    const numbered = { n: this.lines.length, ...line };
    this.lines.push(numbered);
    this.#options.onLine?.(numbered);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await textOf(request);
    const { method = '', url: path = '' } = request;
    if (path.startsWith('/latest/')) {
      this.#serveMetadata(method, path, response);
      return;
    }
    const op = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    const body = JSON.parse(text);
    this.#note({ ch: 'ecs-api', dir: 'in', op, method, path, headers: headersOf(request), body });
    const answer = this.#options.answer?.(op, body) ?? this.#usualAnswer(op, body, request.headers.host);
    this.#note({ ch: 'ecs-api', dir: 'out', op, status: answer.status, body: { ...answer.body } });
    response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify(answer.body));
  }

  #serveMetadata(method: string, path: string, response: ServerResponse): void {
    const text = method === 'PUT' ? 'token' : this.#options.imds?.[path];
    const status = text === undefined ? 404 : 200;
    this.#note({ ch: 'imds', dir: 'in', method, path, status });
    response.writeHead(status, { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' }).end(text);
  }

  /** `host`: by which the agent reaches this double, maybe through a relay. */
  #usualAnswer(op: string, body: Readonly<Record<string, unknown>>, host: string | undefined): ApiAnswer {
    const { containerInstanceArn } = this;
    const url = host === undefined ? this.url : `http://${host}`;
    switch (op) {
      case 'RegisterContainerInstance':
        return {
          status: 200,
          body: {
            containerInstance: { containerInstanceArn, status: 'ACTIVE', attributes: body.attributes },
          },
        };
      case 'DiscoverPollEndpoint':
        return { status: 200, body: { endpoint: `${url}/acs/`, telemetryEndpoint: `${url}/tcs/` } };
      case 'SubmitTaskStateChange':
        return { status: 200, body: { acknowledgment: url } };
      default:
        return { status: 400, body: { __type: 'UnknownOperationException', message: op } };
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { url: rawUrl = '' } = request;
    const { pathname: path, searchParams } = new URL(rawUrl, this.url);
    const channel = path === '/acs/ws' ? 'acs' : 'tcs';
    const query = Object.fromEntries(searchParams);
    this.#note({
      ch: channel,
      dir: 'in',
      event: 'upgrade',
      path,
      rawUrl,
      query,
      headers: headersOf(request),
    });
    const refusal = this.refusals.get(channel);
    if (refusal !== undefined) {
      socket.end(refusal);
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#wires.set(channel, socket);
      this.#note({ ch: channel, dir: 'out', event: 'upgraded' });
      this.#open.set(channel, webSocket);
      webSocket.on('message', (data) => this.#receive(channel, data.toString()));
      webSocket.on('close', (code) => {
        this.#note({ ch: channel, dir: 'in', event: 'closed', code });
        if (this.#open.get(channel) === webSocket) this.#open.delete(channel);
      });
    });
  }

  #receive(channel: Channel, text: string): void {
    const [prefix = '', json] = text.includes('\r\n\r\n') ? text.split('\r\n\r\n', 2) : ['', text];
    const { type, message } = JSON.parse(json ?? '');
    const signed = prefix.split('\r\n').filter((line) => line !== '');
    const signedPrefix = Object.fromEntries(signed.map((line) => line.split(/: (.*)/s, 2)));
    this.#note({
      ch: channel,
      dir: 'in',
      event: 'message',
      type,
      ...(signed.length > 0 && { signedPrefix }),
      message,
    });
    if (channel === 'tcs' && type === 'PublishMetricsRequest')
      this.send('tcs', 'AckPublishMetric', { message: 'ok' });
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Names in lower case, in the order of the wire. */
function headersOf({ rawHeaders }: IncomingMessage): Readonly<Record<string, string>> {
  const pairs = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [],
  );
  return Object.fromEntries(pairs);
}
