import type { Logger } from 'pino';
import { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import type { ReportedFamilies } from '../../task/port-mapping.ts';
import { compareVersions, DockerClient, negotiate, OLDEST_API } from './docker-client.ts';
import { DockerContainers } from './docker-containers.ts';
import { bridgeSchema, infoSchema, versionSchema } from './docker-documents.ts';
import { hasStatus } from './docker-error.ts';
import { DockerEvents } from './docker-events.ts';
import { DockerRuntime } from './docker-runtime.ts';

export interface OpenDockerOptions {
  /** Path of dockerd's socket. */
  readonly socketPath: string;
  /** Tells containers of this agent from those of others on the same dockerd. */
  readonly owner: string;
  /** Default: IPv4 alone. */
  readonly reportedFamilies?: ReportedFamilies;
  /** Given: an absent dockerd is waited for. */
  readonly logger?: Pick<Logger, 'warn'>;
  readonly signal?: AbortSignal;
}

/** A runtime and what it shares with the images of the same dockerd. */
export interface OpenedDocker {
  readonly runtime: DockerRuntime;
  readonly client: DockerClient;
  /** Log drivers that this dockerd has. */
  readonly logDrivers: readonly string[];
}

const RETRY = { minMs: 200, maxMs: 5_000, factor: 2, jitter: 0.2 };
const PING_MS = 10_000;
const BRIDGE_OPTION = 'com.docker.network.bridge.name';

/** Connects to dockerd. Rejects when it is too old; waits for one that does not answer if there is a logger to say so. */
export async function openDocker(options: OpenDockerOptions): Promise<OpenedDocker> {
  const { socketPath, owner, reportedFamilies = { ipv4: true, ipv6: false } } = options;
  const signal = options.signal ?? new AbortController().signal;
  const version = await reach(options, signal);
  if (compareVersions(version, OLDEST_API) < 0)
    throw new Error(
      `dockerd at ${socketPath} speaks version ${version} of the Engine API; at least ${OLDEST_API} is needed (Docker 17.06)`,
    );
  const client = new DockerClient(socketPath, version);
  const [{ Version }, { Plugins }, bridge] = await Promise.all([
    client.call('GET', '/version', versionSchema, { signal }),
    client.call('GET', '/info', infoSchema, { signal }),
    bridgeOf(client, signal),
  ]);
  const containers = new DockerContainers(client, owner);
  const events = new DockerEvents(client, containers, owner);
  events.start();
  return {
    client,
    // Docker has it always and does not list it.
    logDrivers: [...new Set([...(Plugins?.Log ?? []), 'none'])],
    runtime: new DockerRuntime({ client, containers, events, owner, reportedFamilies }, Version, bridge),
  };
}

/** Link of the bridge that containers are on; undefined where dockerd was told to have none. */
async function bridgeOf(client: DockerClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.call('GET', '/networks/bridge', bridgeSchema, { signal })).Options?.[BRIDGE_OPTION];
  } catch (error) {
    if (hasStatus(error, 404)) return undefined;
    throw error;
  }
}

async function reach({ socketPath, logger }: OpenDockerOptions, signal: AbortSignal): Promise<string> {
  const backoff = new Backoff(RETRY);
  for (;;) {
    try {
      return await negotiate(socketPath, AbortSignal.any([signal, AbortSignal.timeout(PING_MS)]));
    } catch (error) {
      signal.throwIfAborted();
      if (logger === undefined) throw error;
      logger.warn({ err: error }, 'waiting for dockerd; is it started, and is DOCKER_HOST right?');
    }
    await sleep(backoff.next(), signal);
  }
}
