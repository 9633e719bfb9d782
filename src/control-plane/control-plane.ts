import { createServer as createHttpServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { ApiError } from './api-error.ts';
import { ApiServer } from './http/api-server.ts';
import { type SignedRequest, type SigningKey, verifySignature } from './http/signature.ts';
import { keyOf } from './key-ring.ts';
import { forgetOld } from './retention.ts';
import { DEFAULT_SETTINGS, type Settings } from './settings.ts';
import { AgentConnections } from './sockets/agent-connections.ts';
import { UpgradeServer } from './sockets/upgrade-server.ts';
import { State } from './state/state.ts';

/** Longer than clients keep an idle connection, so that none is cut while a request is on its way. */
const KEEP_ALIVE_MS = 120_000;
const RETENTION_INTERVAL_MS = 60_000;

export interface ControlPlaneOptions extends Partial<Settings> {
  /** 0 takes a free one. */
  readonly port: number;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** Where the state is kept; made if it is not there. */
  readonly stateDirectory: string;
  /** PEM texts; with them the control plane speaks https and wss. */
  readonly tls?: { readonly certificate: string; readonly key: string };
  /** Epoch ms. */
  readonly now?: () => number;
  /** May answer a call with an error before it is looked at; for tests of what a caller then does. */
  readonly intercept?: (operation: string, body: unknown) => ApiError | undefined;
  /** Told of each API call, with the error that it was answered with. */
  readonly called?: (operation: string, error: unknown) => void;
}

export interface ControlPlane {
  readonly port: number;
  /** Without a slash at the end. */
  readonly url: string;
  /** The key of an access key id, if it is configured or issued to a role; for other services that check signatures. */
  keyOf(accessKeyId: string): SigningKey | undefined;
  /** Cuts all agent connections, as a server that dies does; agents may connect again. */
  disconnectAgents(): void;
  /** Ends all connections and closes the state; may be called twice. Another can start on the directory then. */
  close(): Promise<void>;
}

/** Starts a control plane; resolves when it answers. Rejects when the port or the state is taken. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const settings: Settings = { ...DEFAULT_SETTINGS, ...given(options) };
  const now = options.now ?? Date.now;
  const state = new State(options.stateDirectory);
  const connections = new AgentConnections();
  const verify = (request: SignedRequest): void => {
    verifySignature(request, {
      region: settings.region,
      service: 'ecs',
      nowMs: now(),
      keyOf: (accessKeyId) => keyOf(accessKeyId, state, settings),
    });
  };
  const scheme = options.tls === undefined ? 'http' : 'https';
  const api = new ApiServer({
    state,
    settings,
    agents: connections,
    scheme,
    now,
    verify,
    intercept: options.intercept ?? (() => undefined),
    called: options.called ?? (() => {}),
  });
  const server: Server =
    options.tls === undefined
      ? createHttpServer()
      : createHttpsServer({ cert: options.tls.certificate, key: options.tls.key });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.on('request', (request, response) => void api.handle(request, response));
  new UpgradeServer({ state, settings, connections, now, verify }).attach(server);

  const host = options.host ?? '127.0.0.1';
  try {
    await listen(server, options.port, host);
  } catch (error) {
    state.close();
    throw error;
  }
  const retention = setInterval(() => forgetOld(state, settings, now()), RETENTION_INTERVAL_MS);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : options.port;
  const close = async (): Promise<void> => {
    clearInterval(retention);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    connections.terminateAll();
    server.closeAllConnections();
    await closed;
    state.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    url: `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    keyOf: (accessKeyId) => keyOf(accessKeyId, state, settings),
    disconnectAgents: () => connections.terminateAll(),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function given(options: ControlPlaneOptions): Partial<Settings> {
  const names = new Set(Object.keys(DEFAULT_SETTINGS));
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => names.has(name) && value !== undefined),
  );
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
