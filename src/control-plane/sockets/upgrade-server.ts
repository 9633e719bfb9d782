import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { AcsSession } from '../acs/acs-session.ts';
import { ApiError } from '../api-error.ts';
import { isArn, lastPart } from '../arns.ts';
import type { SignedRequest } from '../http/signature.ts';
import type { Settings } from '../settings.ts';
import type { InstanceRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';
import { TcsSession } from '../tcs/tcs-session.ts';
import type { AgentConnections } from './agent-connections.ts';
import { Connection } from './connection.ts';

const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export interface UpgradeServerOptions {
  readonly state: State;
  readonly settings: Settings;
  readonly connections: AgentConnections;
  now(): number;
  /** Throws an ApiError for a bad signature. */
  verify(request: SignedRequest): void;
}

/** Takes the WebSocket upgrades of agents at /acs/ws and /tcs/ws (acs.md §2, §3; tcs.md §1, §2). */
export class UpgradeServer {
  readonly #options: UpgradeServerOptions;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
  });

  constructor(options: UpgradeServerOptions) {
    this.#options = options;
  }

  attach(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      // Until `ws` has it, nobody else listens for the errors of this socket.
      socket.on('error', () => socket.destroy());
      try {
        this.#upgrade(request, socket, head);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        refuse(socket, error);
      }
    });
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    if (path !== '/acs/ws' && path !== '/tcs/ws') {
      throw new ApiError('BadRequestException', `there is no channel at ${path}`, 404);
    }
    try {
      this.#options.verify({ method: 'GET', path, query, headers: request.headers, body: '' });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // The channel has one name for all of these (acs.md §8); the text tells which it was.
      throw new ApiError('AccessDeniedException', `${error.code}: ${error.message}`, 403);
    }
    const parameters = new URLSearchParams(query);
    const accept = (use: (socket: WebSocket) => void) =>
      this.#webSockets.handleUpgrade(request, socket, head, use);
    if (path === '/acs/ws') {
      const instance = this.#instance(parameters.get('containerInstanceArn'), parameters.get('clusterArn'));
      accept((webSocket) => this.#acceptAcs(webSocket, instance, parameters));
    } else {
      const instance = this.#instance(parameters.get('containerInstance'), parameters.get('cluster'));
      accept((webSocket) => this.#acceptTcs(webSocket, instance, path, query));
    }
  }

  #instance(arn: string | null, cluster: string | null): InstanceRecord {
    const instance = this.#options.state.instances.get(arn ?? '');
    if (instance === undefined) {
      throw new ApiError('InvalidInstanceException', `there is no container instance ${arn ?? ''}`);
    }
    const named = cluster ?? '';
    if (named !== (isArn(named) ? instance.clusterArn : lastPart(instance.clusterArn))) {
      throw new ApiError('InvalidClusterException', `the container instance is not in cluster '${named}'`);
    }
    if (instance.status === 'INACTIVE') {
      throw new ApiError('InactiveInstanceException', 'the container instance was deregistered');
    }
    return instance;
  }

  #acceptAcs(webSocket: WebSocket, instance: InstanceRecord, parameters: URLSearchParams): void {
    const { state, settings, connections, now } = this.#options;
    const value = (name: string) => parameters.get(name) ?? undefined;
    state.transaction(() =>
      state.instances.put(instance.containerInstanceArn, {
        ...instance,
        version: instance.version + 1,
        versionInfo: {
          agentVersion: value('agentVersion'),
          agentHash: value('agentHash'),
          dockerVersion: value('dockerVersion'),
        },
      }),
    );
    const connection = new Connection(webSocket);
    const session = new AcsSession(connection, {
      containerInstanceArn: instance.containerInstanceArn,
      sendCredentials: parameters.get('sendCredentials') === 'true',
      state,
      settings,
      now,
    });
    connections.addAcs(session, connection);
  }

  #acceptTcs(webSocket: WebSocket, instance: InstanceRecord, path: string, query: string): void {
    const { state, settings, connections, verify } = this.#options;
    const connection = new Connection(webSocket);
    const session = new TcsSession(connection, {
      containerInstanceArn: instance.containerInstanceArn,
      state,
      settings,
      path,
      query,
      verify,
    });
    connections.addTcs(session, connection);
  }
}

/** Answers a refused upgrade in the form of acs.md §3.1. */
function refuse(socket: Duplex, error: ApiError): void {
  const body = JSON.stringify({ type: error.code, message: { message: error.message } });
  socket.end(
    `HTTP/1.1 ${error.httpStatus} Refused\r\n` +
      'Content-Type: application/json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n` +
      'Connection: close\r\n\r\n' +
      body,
  );
}
