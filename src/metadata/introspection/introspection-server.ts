import { rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Backoff } from '../../async/backoff.ts';
import { answerIntrospection, type IntrospectionSources } from './introspection-routes.ts';

/** Port of the introspection API (users and tools know it). */
export const INTROSPECTION_PORT = 51_678;
/** Port of the agent's metrics where ECS_ENABLE_PROMETHEUS_METRICS asks for one. */
export const METRICS_PORT = 51_680;

/** Reading a request and writing an answer may take this long (metadata-endpoints.md §1). */
const REQUEST_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 256;
const LISTEN_BACKOFF = { minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 };

export interface IntrospectionOptions {
  readonly sources: IntrospectionSources;
  /** Always served on. */
  readonly socketPath: string;
  readonly ports: readonly number[];
  /** Also for callers from other hosts; otherwise for this one only (NET-25). */
  readonly offHost: boolean;
  /** A port cannot be had now, e.g. because of a second agent; it is tried again. */
  onListenFailed(port: number, error: Error): void;
}

/** Serves what the agent knows of itself and its tasks; read-only. */
export class IntrospectionServer {
  readonly #options: IntrospectionOptions;
  readonly #servers = new Set<Server>();
  readonly #retries = new Set<NodeJS.Timeout>();
  #extra: Server | undefined;
  #closed = false;

  constructor(options: IntrospectionOptions) {
    this.#options = options;
  }

  /** Resolves when the socket answers; ports follow as soon as they are to be had, and for ever (§1). */
  async start(): Promise<void> {
    const { socketPath, ports, offHost } = this.#options;
    rmSync(socketPath, { force: true });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#create(true).once('error', reject).listen(socketPath, resolve);
    await promise;
    for (const port of ports) {
      this.#listen(port, offHost ? ['::', '0.0.0.0'] : ['127.0.0.1']);
      // Not every host has IPv6.
      if (!offHost) this.#listen(port, ['::1'], true);
    }
  }

  /** Serves on one more listening socket, whose descriptor `listen` gives; the last one of this kind is closed first. */
  serveOn(listen: () => number): void {
    this.#extra?.close();
    this.#extra = undefined;
    if (!this.#closed) this.#extra = this.#create().listen({ fd: listen() });
  }

  close(): void {
    this.#closed = true;
    for (const retry of this.#retries) clearTimeout(retry);
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
  }

  #create(onSocket = false): Server {
    const server = createServer(
      {
        requestTimeout: REQUEST_TIMEOUT_MS,
        headersTimeout: REQUEST_TIMEOUT_MS,
        connectionsCheckingInterval: 500,
      },
      (request, response) => void this.#serve(request, response, onSocket),
    );
    server.maxConnections = MAX_CONNECTIONS;
    this.#servers.add(server);
    return server;
  }

  /** Listens on the first of the addresses that the host has; a port that is taken is tried again. */
  #listen(
    port: number,
    addresses: readonly string[],
    optional = false,
    backoff = new Backoff(LISTEN_BACKOFF),
  ): void {
    const [host, ...others] = addresses;
    if (this.#closed || host === undefined) return;
    const server = this.#create();
    server.once('error', (error: NodeJS.ErrnoException) => {
      this.#servers.delete(server);
      const hasNoSuchAddress = error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL';
      if (hasNoSuchAddress && (optional || others.length > 0)) return this.#listen(port, others, optional);
      this.#options.onListenFailed(port, error);
      const retry = setTimeout(() => {
        this.#retries.delete(retry);
        this.#listen(port, addresses, optional, backoff);
      }, backoff.next()).unref();
      this.#retries.add(retry);
    });
    server.listen({ host, port });
  }

  async #serve(request: IncomingMessage, response: ServerResponse, onSocket: boolean): Promise<void> {
    response.setTimeout(REQUEST_TIMEOUT_MS, () => response.destroy());
    request.resume();
    try {
      const { status, contentType, body } = await answerIntrospection(
        this.#options.sources,
        new URL(request.url ?? '/', 'http://localhost'),
        { onSocket },
      );
      response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
      response.end(body);
    } catch {
      // As the Amazon ECS agent answers when something of it broke.
      response.writeHead(500, { Connection: 'close', 'Content-Length': 0 }).end();
    }
  }
}
