import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from '../../support/until.ts';

/** One connection as the server sees it. */
export interface ServerSide {
  readonly request: IncomingMessage;
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  /** Text frames of the agent. */
  readonly received: string[];
  /** Frames of the agent that were binary, pings and other things that it should never send. */
  readonly oddities: string[];
  /** Close frame of the agent, or how else the stream ended. */
  closed: string | undefined;
}

/** A server of WebSocket sessions on loopback, with everything that a test has to see or to break. */
export class SessionServer {
  readonly connections: ServerSide[] = [];
  /** Requests for an upgrade, refused ones too. */
  readonly upgrades: IncomingMessage[] = [];
  /** Set: upgrades are answered with it. */
  refusal: { readonly status: number; readonly body: string } | undefined;
  readonly #http: Server;
  readonly #webSockets: WebSocketServer;
  #port = 0;

  private constructor(http: Server) {
    this.#http = http;
    this.#webSockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
    http.on('upgrade', (request, socket: Socket, head) => this.#upgrade(request, socket, head));
  }

  static async start(): Promise<SessionServer> {
    const server = new SessionServer(createServer());
    server.#http.listen(0, '127.0.0.1');
    await once(server.#http, 'listening');
    const address = server.#http.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    server.#port = address.port;
    return server;
  }

  /** Base URL of a channel, as DiscoverPollEndpoint would give it. */
  endpoint(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  /** The n-th connection, once it is there. */
  connection(n: number): Promise<ServerSide> {
    return until(() => this.connections[n], { what: `connection ${n} is there` });
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.upgrades.push(request);
    socket.on('error', () => {});
    if (this.refusal !== undefined) {
      const { status, body } = this.refusal;
      socket.end(
        `HTTP/1.1 ${status} No\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
      );
      return;
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      const side: ServerSide = { request, webSocket, socket, received: [], oddities: [], closed: undefined };
      webSocket.on('message', (data, isBinary) => {
        if (isBinary) side.oddities.push('binary');
        else side.received.push(data.toString());
      });
      webSocket.on('ping', () => side.oddities.push('ping'));
      webSocket.on('error', () => {});
      socket.on('end', () => {
        side.closed ??= 'FIN';
      });
      webSocket.on('close', (code, reason) => {
        if (code !== 1006) side.closed = `${code} ${reason.toString()}`;
        else side.closed ??= 'gone';
      });
      this.connections.push(side);
    });
  }
}

/** The agent's messages on a connection, read. */
export function messagesOf(side: ServerSide): { type: string; message: Record<string, unknown> }[] {
  return side.received.map((text) => JSON.parse(text.slice(text.indexOf('{"type"'))));
}

/** Waits until the agent has sent `count` messages. */
export async function received(side: ServerSide, count: number): Promise<ReturnType<typeof messagesOf>> {
  await until(() => side.received.length >= count, { what: `${count} messages have come` });
  return messagesOf(side);
}
