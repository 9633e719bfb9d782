import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { AGENT_VERSION } from './agent-version.ts';
import type { Config } from './config/config.ts';
import type { ContainerLogs } from './container-log/container-logs.ts';
import type { AgentView, ConnectionView } from './metadata/introspection/agent-view.ts';
import { HealthProbes } from './metadata/introspection/health-probes.ts';
import {
  INTROSPECTION_PORT,
  IntrospectionServer,
  METRICS_PORT,
} from './metadata/introspection/introspection-server.ts';
import type { LoggedLine } from './metadata/introspection/log-documents.ts';
import type { AgentMetrics } from './metadata/metrics/agent-metrics.ts';
import type { BridgeAddress } from './network/bridge/bridge-link.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';
import type { Store } from './store/store.ts';
import type { ContainerId } from './task/ids.ts';

/** Beside the programs, in the repository as in an installed agent. */
const LICENCE = fileURLToPath(new URL('../LICENSE', import.meta.url));

/** Shorter than a scraper waits (Prometheus: 10 s). */
const LOG_TOTALS_MS = 3_000;

export interface IntrospectionParts {
  readonly config: Config;
  readonly logger: Logger;
  readonly runtime: ContainerRuntime;
  readonly store: Store;
  readonly metrics: AgentMetrics;
  readonly logs: ContainerLogs;
  /** Where volumes are kept. */
  readonly volumesDirectory: string;
  view(): AgentView;
}

/** Serves introspection, health and metrics; resolves once the socket answers. */
export async function openIntrospection(parts: IntrospectionParts): Promise<IntrospectionServer> {
  const { config, logger, runtime, store, metrics } = parts;
  const probes = new HealthProbes({
    pingRuntime: (signal) => runtime.ping({ signal }),
    writeStore: () => store.commit([{ kind: 'putMeta', key: 'agent-version', value: AGENT_VERSION }]),
  });
  const server = new IntrospectionServer({
    sources: {
      view: parts.view,
      timeline: (task) => store.timeline(task),
      probe: () => probes.check(),
      metrics: async (view) => metrics.expose(view, await logTotals(parts)),
      licence: () => readFile(LICENCE, 'utf8').catch(() => undefined),
      readLog: (id, options) => readContainerLog(config.dataDirectory, id, options),
      volumesDirectory: parts.volumesDirectory,
    },
    socketPath: join(config.runDirectory, 'introspection.sock'),
    ports: [INTROSPECTION_PORT, ...(config.prometheusMetrics ? [METRICS_PORT] : [])],
    offHost: config.introspectionOffHost,
    onListenFailed: (port, error) =>
      logger.warn({ err: error, port }, 'introspection is served on its socket; its port is tried again'),
  });
  await server.start();
  return server;
}

/**
 * Introspection for containers of bridge mode, which ask their default gateway (NET-80). Who comes by another link
 * than the bridge is refused.
 */
export class BridgeIntrospection {
  readonly #logger: Logger;
  #server: IntrospectionServer | undefined;
  #bridge: BridgeAddress | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** To be told again when the bridge was made anew: the old socket hears nothing any more. */
  bridgeReady(bridge: BridgeAddress): void {
    this.#bridge = bridge;
    void this.#serve();
  }

  serverReady(server: IntrospectionServer): void {
    this.#server = server;
    void this.#serve();
  }

  async #serve(): Promise<void> {
    if (this.#server === undefined || this.#bridge === undefined) return;
    const { name, ipv4 } = this.#bridge;
    try {
      const { listenHere } = await import('./host/loopback-socket.ts');
      this.#server.serveOn(() => listenHere(ipv4, INTROSPECTION_PORT, name));
    } catch (error) {
      this.#logger.warn({ err: error }, 'containers of bridge mode cannot ask for introspection');
    }
  }
}

/** A log service that is away, or started again, is no reason to tell nothing. */
async function logTotals({ logs, logger }: IntrospectionParts) {
  try {
    return await logs.totals({ signal: AbortSignal.timeout(LOG_TOTALS_MS) });
  } catch (error) {
    logger.warn({ err: error }, 'the log service does not tell its counts');
    return undefined;
  }
}

/** Loaded when somebody asks. */
async function* readContainerLog(
  dataDir: string,
  id: ContainerId,
  options: { readonly tail: number; readonly since?: Date },
): AsyncGenerator<LoggedLine, void> {
  const { readLogs } = await import('./container-log/read-logs.ts');
  yield* readLogs({ dataDir, id, ...options });
}

/** How a connection to ECS stands; `undefined`: it is not begun yet. */
export function connectionView(
  session:
    | {
        readonly state: {
          readonly connected: boolean;
          readonly since: number;
          readonly lastMessageAt?: number;
          readonly lastError?: string;
        };
      }
    | undefined,
): ConnectionView {
  if (session === undefined) return { connected: false };
  const { connected, since, lastMessageAt, lastError } = session.state;
  return {
    connected,
    since,
    ...(lastMessageAt !== undefined && { lastMessageAt }),
    ...(lastError !== undefined && { lastError }),
  };
}
