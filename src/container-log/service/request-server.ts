import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import {
  LineSplitter,
  type LogServiceEvent,
  type LogServiceFailure,
  type LogServiceRequest,
  type LogServiceResults,
  PROTOCOL_VERSION,
  parseRequest,
} from '../protocol.ts';
import type { CredentialsBroker } from './credentials-broker.ts';
import { DriverSetUpError, type LogService } from './log-service.ts';
import type { OwnLog } from './own-log.ts';

/** Answers the agent on a unix socket that only root can open. */
export class RequestServer {
  readonly #service: LogService;
  readonly #log: OwnLog;
  readonly #server: Server;
  readonly #connections = new Set<Socket>();
  readonly #credentials: CredentialsBroker;
  readonly #onAlone: () => void;
  readonly #onQuit: () => void;

  /** `onAlone` is called whenever the last connection has gone, `onQuit` when an agent asks for the end. */
  constructor(
    service: LogService,
    log: OwnLog,
    callbacks: {
      readonly credentials: CredentialsBroker;
      readonly onAlone: () => void;
      readonly onQuit: () => void;
    },
  ) {
    this.#service = service;
    this.#log = log;
    this.#credentials = callbacks.credentials;
    this.#onAlone = callbacks.onAlone;
    this.#onQuit = callbacks.onQuit;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  get hasConnections(): boolean {
    return this.#connections.size > 0;
  }

  /** Starts to listen; a socket that a dead run left is replaced. The caller holds the lock. */
  async listen(path: string): Promise<void> {
    rmSync(path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      // Made with no rights for others from its first moment on.
      const mask = process.umask(0o177);
      this.#server.listen(path, resolve);
      process.umask(mask);
    });
    chmodSync(path, 0o600);
  }

  /** Tells every connected agent. */
  publish(event: LogServiceEvent): void {
    for (const socket of this.#connections) send(socket, event);
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#connections) socket.destroy();
  }

  #serve(socket: Socket): void {
    this.#connections.add(socket);
    const splitter = new LineSplitter();
    socket.setEncoding('utf8');
    socket.on('data', (piece: string) => {
      try {
        for (const line of splitter.push(piece)) void this.#answer(socket, line);
      } catch (error) {
        this.#log.error('a connection is closed', error);
        socket.destroy();
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#connections.delete(socket);
      if (!this.hasConnections) this.#onAlone();
    });
  }

  async #answer(socket: Socket, line: string): Promise<void> {
    let id = -1;
    try {
      const parsed = parseRequest(line);
      id = parsed.id;
      send(socket, { id, result: await this.#handle(parsed.request) });
      if (parsed.request.method === 'quit') this.#onQuit();
    } catch (error) {
      const failure: LogServiceFailure = {
        code: error instanceof DriverSetUpError ? 'setup' : id < 0 ? 'invalid' : 'internal',
        message: error instanceof Error ? error.message : String(error),
      };
      if (failure.code !== 'setup') this.#log.error('a request failed', error);
      send(socket, { id, error: failure });
    }
  }

  async #handle(request: LogServiceRequest): Promise<LogServiceResults[LogServiceRequest['method']]> {
    switch (request.method) {
      case 'hello':
        this.#service.askForSecrets();
        return { protocol: PROTOCOL_VERSION, pid: process.pid };
      case 'prepare':
        return await this.#service.prepare(request.config, request.secrets);
      case 'secrets':
        await this.#service.secretsAnswered(request.container, request.answer);
        return null;
      case 'finish':
        await this.#service.finish(request.container);
        return null;
      case 'remove':
        await this.#service.remove(request.container);
        return null;
      case 'list':
        return this.#service.list();
      case 'statistics':
        return this.#service.statistics();
      case 'totals':
        return this.#service.totals();
      case 'credentials':
        this.#credentials.put(request.credentialsId, request.answer);
        return null;
      case 'quit':
        return null;
    }
  }
}

function send(socket: Socket, message: unknown): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
}
