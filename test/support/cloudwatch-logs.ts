import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Sha256 } from '@aws-crypto/sha256-js';
import { SignatureV4 } from '@smithy/signature-v4';

export interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

export interface PutCall {
  readonly group: string;
  readonly stream: string;
  readonly events: readonly LogEvent[];
  /** Of the texts, with the 26 of each event. */
  readonly bytes: number;
  readonly atMs: number;
}

/** What a call gets instead of its answer; `accept`: it is carried out, though the answer says otherwise. */
export type Fault =
  | { readonly kind: 'error'; readonly status: number; readonly code: string; readonly accept?: boolean }
  /** No answer; after so long the connection is cut, else it stays. */
  | { readonly kind: 'hang'; readonly forMs?: number }
  | { readonly kind: 'reset' };

type Operation = 'CreateLogGroup' | 'CreateLogStream' | 'PutLogEvents';

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/**
 * CloudWatch Logs on loopback: groups and streams, every documented limit of PutLogEvents, signatures checked with
 * the SDK's signer, and faults on demand.
 */
export class CloudWatchDouble implements AsyncDisposable {
  readonly calls: { readonly operation: string; readonly headers: IncomingMessage['headers'] }[] = [];
  readonly puts: PutCall[] = [];
  readonly groups = new Map<string, Set<string>>();
  /** Broken limits and bad signatures, which the service would refuse. */
  readonly violations: string[] = [];
  /** Keys that are good; all others are refused as expired. */
  keys: Keys | 'any' = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };
  /** Tells what a call gets instead of its answer. */
  fault: (operation: Operation) => Fault | undefined = () => undefined;
  /** Put into the answers of PutLogEvents. */
  rejected: object | undefined;
  readonly #server: Server;

  static async start(): Promise<CloudWatchDouble> {
    const double = new CloudWatchDouble();
    double.#server.listen(0, '127.0.0.1');
    await once(double.#server, 'listening');
    return double;
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => {
        this.violations.push(String(error));
        response.destroy();
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Texts of a stream in their order. */
  messages(stream?: string): string[] {
    return this.puts
      .filter((put) => stream === undefined || put.stream === stream)
      .flatMap(({ events }) => events.map(({ message }) => message));
  }

  /** Cuts every connection: calls that hang fail. */
  hangUp(): void {
    this.#server.closeAllConnections();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const operation = String(request.headers['x-amz-target']).replace('Logs_20140328.', '') as Operation;
    this.calls.push({ operation, headers: request.headers });
    const fault = this.fault(operation);
    if (fault?.kind === 'hang') {
      if (fault.forMs !== undefined) setTimeout(() => request.socket.destroy(), fault.forMs).unref();
      return;
    }
    if (fault?.kind === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const reply = (status: number, answer: object) => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(answer));
    };
    const refuse = (status: number, code: string) => reply(status, { __type: code, message: `${code} here` });
    if (fault !== undefined && fault.accept !== true) return refuse(fault.status, fault.code);
    if (!(await this.#isSigned(request, body))) return refuse(400, 'ExpiredTokenException');
    const answer = this.#carryOut(operation, JSON.parse(body.toString()));
    if (fault !== undefined) return refuse(fault.status, fault.code);
    if (typeof answer === 'string') return refuse(400, answer);
    reply(200, answer);
  }

  #carryOut(
    operation: Operation,
    body: { readonly logGroupName: string; readonly logStreamName: string; readonly logEvents: LogEvent[] },
  ): object | string {
    const streams = this.groups.get(body.logGroupName);
    switch (operation) {
      case 'CreateLogGroup':
        if (streams !== undefined) return 'ResourceAlreadyExistsException';
        this.groups.set(body.logGroupName, new Set());
        return {};
      case 'CreateLogStream':
        if (streams === undefined) return 'ResourceNotFoundException';
        if (streams.has(body.logStreamName)) return 'ResourceAlreadyExistsException';
        streams.add(body.logStreamName);
        return {};
      case 'PutLogEvents':
        if (streams?.has(body.logStreamName) !== true) return 'ResourceNotFoundException';
        return this.#put(body.logGroupName, body.logStreamName, body.logEvents);
    }
  }

  #put(group: string, stream: string, events: readonly LogEvent[]): object {
    const sizes = events.map(({ message }) => Buffer.byteLength(message) + 26);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    const times = events.map(({ timestamp }) => timestamp);
    const check = (isFine: boolean, what: string) => isFine || this.violations.push(what);
    check(events.length > 0, 'no events');
    check(events.length <= 10_000, `${events.length} events`);
    check(bytes <= 1_048_576, `${bytes} bytes`);
    check(
      sizes.every((size) => size <= 262_144 && size > 26),
      'size of an event',
    );
    check(
      times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0)),
      'order',
    );
    check((times.at(-1) ?? 0) - (times[0] ?? 0) <= 86_400_000, 'span');
    this.puts.push({ group, stream, events, bytes, atMs: performance.now() });
    return { nextSequenceToken: 'x', ...(this.rejected && { rejectedLogEventsInfo: this.rejected }) };
  }

  async #isSigned(request: IncomingMessage, body: Buffer): Promise<boolean> {
    const { keys } = this;
    if (keys === 'any') return true;
    const { authorization = '', host = '' } = request.headers;
    const match =
      /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d+\/([^/]+)\/logs\/aws4_request, SignedHeaders=([^,]+), /.exec(
        authorization,
      );
    const [, accessKeyId, region = '', names = ''] = match ?? [];
    if (accessKeyId !== keys.accessKeyId) return false;
    const token = request.headers['x-amz-security-token'];
    if (token !== keys.sessionToken) return false;
    const time = String(request.headers['x-amz-date']);
    const signer = new SignatureV4({
      credentials: keys,
      region,
      service: 'logs',
      sha256: Sha256,
      applyChecksum: false,
    });
    const signedHeaders = names
      .split(';')
      .filter((name) => !['x-amz-date', 'x-amz-security-token'].includes(name));
    const signed = await signer.sign(
      {
        method: request.method ?? '',
        protocol: 'http:',
        hostname: host.split(':')[0] ?? '',
        path: request.url ?? '',
        headers: Object.fromEntries(signedHeaders.map((name) => [name, String(request.headers[name])])),
        body,
      },
      { signingDate: new Date(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z')) },
    );
    const isSame = signed.headers.authorization === authorization;
    if (!isSame) this.violations.push(`signature: ${authorization} is not ${signed.headers.authorization}`);
    return isSame;
  }
}
