import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { TLSSocket } from 'node:tls';

/** A request that passed the front. */
export interface PassedRequest {
  readonly method: string;
  readonly path: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  /** Common name of the certificate that the client showed. */
  readonly certificate: string | undefined;
  status: number;
  /** Bytes of the body that the client's side has taken. */
  bytes: number;
}

/** What the front does to one answer. */
export interface Disturbance {
  /** Answers by itself. */
  readonly answer?: {
    readonly status: number;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Buffer;
  };
  /** Never answers. */
  readonly hang?: boolean;
  /** Cuts the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Says nothing more after so many bytes of the body. */
  readonly stallAfter?: number;
  /** Changes the bytes on the way. */
  readonly alter?: (chunk: Buffer) => Buffer;
  /** Bytes a second. */
  readonly rate?: number;
  /** Hides the request's Range from the registry. */
  readonly ignoreRange?: boolean;
}

/** A proxy before a real registry that can do to pulls what real networks and proxies do. */
export interface RegistryFront extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly requests: PassedRequest[];
  /** Asked for each request; undefined passes it unchanged. */
  disturb: (request: PassedRequest) => Disturbance | undefined;
  close(): Promise<void>;
}

/** How a front speaks TLS; PEM. It asks for a certificate of its clients, and does without. */
export interface FrontTls {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** Starts a front before the registry at `127.0.0.1:<port>`. */
export async function startFront(registryPort: number, tls?: FrontTls): Promise<RegistryFront> {
  const requests: PassedRequest[] = [];
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const passed: PassedRequest = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      range: incoming.headers.range,
      authorization: incoming.headers.authorization,
      certificate: commonNameOf(incoming.socket),
      status: 0,
      bytes: 0,
    };
    requests.push(passed);
    void handle(registryPort, incoming, outgoing, passed, front.disturb(passed) ?? {});
  };
  const server =
    tls === undefined
      ? createServer(onRequest)
      : createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: false }, onRequest);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const close = async () => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  const front: RegistryFront = {
    host: `127.0.0.1:${address.port}`,
    requests,
    disturb: () => undefined,
    close,
    [Symbol.asyncDispose]: close,
  };
  return front;
}

function commonNameOf(socket: unknown): string | undefined {
  const name = socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : undefined;
  return typeof name === 'string' ? name : name?.[0];
}

async function handle(
  port: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  passed: PassedRequest,
  disturbance: Disturbance,
): Promise<void> {
  outgoing.on('error', () => undefined);
  const { answer, hang } = disturbance;
  if (hang === true) return;
  if (answer !== undefined) {
    passed.status = answer.status;
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    return;
  }
  const headers = { ...incoming.headers };
  if (disturbance.ignoreRange === true) delete headers.range;
  const { method, url } = incoming;
  const upstream = request({ host: '127.0.0.1', port, method, path: url, headers });
  upstream.end();
  try {
    const [response]: IncomingMessage[] = await once(upstream, 'response');
    if (response === undefined) return;
    passed.status = response.statusCode ?? 0;
    outgoing.writeHead(passed.status, response.headers);
    await pass(response, outgoing, passed, disturbance);
  } catch {
    outgoing.destroy();
  }
}

async function pass(
  response: IncomingMessage,
  outgoing: ServerResponse,
  passed: PassedRequest,
  how: Disturbance,
): Promise<void> {
  const { alter = (chunk) => chunk, cutAfter, stallAfter, rate } = how;
  const limit = cutAfter ?? stallAfter ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  for await (const original of response) {
    const chunk = alter(original).subarray(0, limit - sent);
    sent += chunk.length;
    await new Promise<unknown>((resolve) => outgoing.write(chunk, resolve));
    passed.bytes = sent;
    if (sent >= limit) {
      if (cutAfter !== undefined) outgoing.destroy();
      return;
    }
    if (outgoing.destroyed) return;
    if (rate !== undefined) {
      await delay((chunk.length / rate) * 1000);
    }
  }
  outgoing.end();
}
