import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, Agent as PlainAgent } from 'node:http';
import { Agent, createServer } from 'node:https';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import {
  type OpenWebSocket,
  UpgradeRefusedError,
  type WebSocketConnection,
  type WebSocketTransport,
  webSocketOpener,
} from '../../../src/async/web-socket.ts';
import { run } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { SessionServer } from './session-server.ts';

/** A WebSocket server behind TLS with a certificate of its own, and an HTTP proxy in front of it. */
class SecureServer implements AsyncDisposable {
  readonly ca: string;
  /** Hosts that the proxy was asked to connect to. */
  readonly tunnels: string[] = [];
  readonly #https;
  readonly #proxy;

  private constructor(scratch: Scratch) {
    this.ca = readFileSync(scratch.path('cert.pem'), 'utf8');
    this.#https = createServer({ cert: this.ca, key: readFileSync(scratch.path('key.pem')) });
    const webSockets = new WebSocketServer({ server: this.#https });
    webSockets.on('connection', (webSocket) => webSocket.send('hello'));
    this.#proxy = createHttpServer();
    this.#proxy.on('connect', (request, socket) => {
      this.tunnels.push(request.url ?? '');
      const upstream = connect(this.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
        socket.pipe(upstream).pipe(socket);
      });
      upstream.on('error', () => socket.destroy());
      socket.on('error', () => upstream.destroy());
    });
  }

  static async start(scratch: Scratch): Promise<SecureServer> {
    const server = new SecureServer(scratch);
    for (const listener of [server.#https, server.#proxy]) {
      listener.listen(0, '127.0.0.1');
      await once(listener, 'listening');
    }
    return server;
  }

  get port(): number {
    return portOf(this.#https.address());
  }

  get proxyUrl(): string {
    return `http://127.0.0.1:${portOf(this.#proxy.address())}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of [this.#https, this.#proxy]) {
      listener.closeAllConnections();
      listener.close();
    }
  }
}

function portOf(address: string | { port: number } | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Opens, waits for the first message and cuts. */
async function greeting(transport: WebSocketTransport, url: string): Promise<string> {
  const first = Promise.withResolvers<string>();
  const connection = await open(webSocketOpener(transport), url, first.resolve);
  const text = await first.promise;
  connection.cut();
  await connection.ended;
  return text;
}

function open(opener: OpenWebSocket, url: string, onText = (_: string) => {}): Promise<WebSocketConnection> {
  return opener({ url: new URL(url), headers: {}, onText, signal: AbortSignal.timeout(10_000) });
}

describe('secure WebSockets', () => {
  const scratch = makeScratch();
  beforeAll(async () => {
    await run('openssl', [
      ...[
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-days',
        '1',
      ],
      ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
      ...['-keyout', scratch.path('key.pem'), '-out', scratch.path('cert.pem')],
    ]);
  });
  afterAll(() => scratch.remove());

  it('trust the certificates that they are given', async () => {
    await using server = await SecureServer.start(scratch);
    expect(await greeting({ ca: server.ca }, `wss://localhost:${server.port}/ws`)).toBe('hello');
  });

  it('refuse a certificate that nobody vouches for, unless told otherwise', async () => {
    await using server = await SecureServer.start(scratch);
    const url = `wss://localhost:${server.port}/ws`;
    await expect(open(webSocketOpener(), url)).rejects.toThrow('self-signed certificate');
    expect(await greeting({ rejectUnauthorized: false }, url)).toBe('hello');
  });

  it('go through a proxy of the environment', async () => {
    await using server = await SecureServer.start(scratch);
    const agent = new Agent({ ca: server.ca, proxyEnv: { HTTPS_PROXY: server.proxyUrl } });
    expect(await greeting({ agentFor: () => agent }, `wss://localhost:${server.port}/ws`)).toBe('hello');
    expect(server.tunnels).toEqual([`localhost:${server.port}`]);
    agent.destroy();
  });
});

describe('plain WebSockets', () => {
  it('tell status and body of a refused upgrade, at most 64 KiB of it', async () => {
    const server = await SessionServer.start();
    server.refusal = { status: 403, body: 'x'.repeat(100_000) };
    const error = await open(webSocketOpener(), server.endpoint('/ws').replace('http', 'ws')).catch((e) => e);
    expect(error).toBeInstanceOf(UpgradeRefusedError);
    expect([error.status, error.body.length]).toEqual([403, 65_536]);
    await server.close();
  });

  it('do not follow redirects, which would carry the signature elsewhere', async () => {
    const server = await SessionServer.start();
    server.refusal = { status: 302, body: '' };
    await expect(open(webSocketOpener(), server.endpoint('/ws').replace('http', 'ws'))).rejects.toThrow(
      '302',
    );
    expect(server.upgrades).toHaveLength(1);
    await server.close();
  });

  it('leave an attempt at once when it is called off', async () => {
    const silent = createHttpServer();
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const controller = new AbortController();
    const upgraded = once(silent, 'upgrade');
    const attempt = webSocketOpener({ agentFor: () => new PlainAgent() })({
      url: new URL(`ws://127.0.0.1:${portOf(silent.address())}/ws`),
      headers: {},
      onText: () => {},
      signal: controller.signal,
    });
    const [, socket] = await upgraded;
    controller.abort(new Error('called off'));
    await expect(attempt).rejects.toThrow('called off');
    socket.resume();
    await once(socket, 'end');
    socket.destroy();
    silent.close();
  });

  it('reject a send after their end', async () => {
    const server = await SessionServer.start();
    const connection = await open(webSocketOpener(), server.endpoint('/ws').replace('http', 'ws'));
    connection.cut();
    await expect(connection.send('late')).rejects.toThrow('being closed');
    expect(await connection.ended).toEqual({ kind: 'closed', code: 1006, reason: '' });
    await expect(connection.send('later')).rejects.toThrow();
    await server.close();
  });
});
