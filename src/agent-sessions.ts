import type { Logger } from 'pino';
import type { ManifestNumber } from './acs/manifest-state.ts';
import { AcsSession } from './acs/session.ts';
import type { AgentStats } from './agent-stats.ts';
import { AGENT_HASH, AGENT_VERSION } from './agent-version.ts';
import { type OpenWebSocket, webSocketOpener } from './async/web-socket.ts';
import type { AttachmentIntake } from './attachment/attachment-intake.ts';
import { createHttpAgent, tlsSettings } from './aws/connections.ts';
import type { CredentialsProvider } from './aws/credentials.ts';
import { RequestSigner } from './aws/signing.ts';
import type { Config } from './config/config.ts';
import type { CredentialsStore } from './credentials/credentials-store.ts';
import { userAgent } from './ecs/client.ts';
import type { EcsApi } from './ecs/ecs-api.ts';
import type { TaskEngine } from './engine/task-engine.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';
import type { TaskHealth } from './telemetry/health-requests.ts';
import { InstanceHealth } from './telemetry/instance-health.ts';
import { TelemetrySession } from './telemetry/session.ts';

/** What the two sessions of a registered instance are made from. */
export interface SessionParts {
  readonly config: Config;
  readonly cluster: string;
  readonly containerInstanceArn: string;
  readonly runtime: ContainerRuntime;
  readonly api: EcsApi;
  readonly credentials: CredentialsProvider;
  readonly roleCredentials: CredentialsStore;
  readonly engine: TaskEngine;
  /** Absent: tasks have no ENIs here. */
  readonly attachments?: AttachmentIntake;
  readonly stats: AgentStats;
  readonly manifestNumber: ManifestNumber;
  readonly logger: Logger;
  /** Told when ACS is connected, and with the reason when it cannot be. */
  onConnection(failure?: Error): void;
}

/** Makes ACS and TCS sessions, not started yet; both sign alike and share the look-up of their endpoints. */
export async function createSessions(parts: SessionParts): Promise<{
  readonly acs: AcsSession;
  readonly telemetry: TelemetrySession;
}> {
  const { config, cluster, containerInstanceArn, runtime, api, credentials, engine, logger } = parts;
  const identity = {
    cluster,
    containerInstanceArn,
    agentVersion: AGENT_VERSION,
    agentHash: AGENT_HASH,
    userAgent: userAgent(config.detailedOsFamily),
  };
  const { acsDockerVersion, tcsDockerVersion } = runtime.info;
  const signer = new RequestSigner({ credentials, region: config.region, service: 'ecs' });
  const shared = {
    logger,
    open: await socketOpener(config),
    discover: (signal: AbortSignal) => api.discoverPollEndpoint(cluster, containerInstanceArn, { signal }),
    signUpgrade: (url: URL, signal: AbortSignal) => signer.signUpgrade(url, { signal }),
  };
  const health = new InstanceHealth({ ping: (signal) => runtime.ping({ signal }), logger });
  const telemetry = new TelemetrySession({
    ...shared,
    identity: { ...identity, ...(tcsDockerVersion !== undefined && { dockerVersion: tcsDockerVersion }) },
    health,
    signFrame: (url, json, signal) => signer.signTcsFrame(url, json, { signal }),
    metricsCycle: () => parts.stats.metricsCycle(),
    healthCycle: () => taskHealth(engine),
  });
  const acs = new AcsSession({
    ...shared,
    identity: { ...identity, dockerVersion: acsDockerVersion },
    intake: engine,
    credentials: parts.roleCredentials,
    ...(parts.attachments !== undefined && { attachments: parts.attachments }),
    manifestNumber: parts.manifestNumber,
    onHeartbeat: () => void health.check(),
    onInactive: () => telemetry.disconnect(),
    onConnected: () => parts.onConnection(),
    onFailed: (error) => parts.onConnection(error),
  });
  return { acs, telemetry };
}

/** Certificates and proxies of the configuration, as for the API. */
async function socketOpener(config: Config): Promise<OpenWebSocket> {
  const tls = await tlsSettings(config);
  if (Object.keys(config.proxyEnvironment).length === 0) return webSocketOpener(tls);
  const [plain, secure] = await Promise.all([
    createHttpAgent('http:', config),
    createHttpAgent('https:', config),
  ]);
  return webSocketOpener({ ...tls, agentFor: (url) => (url.protocol === 'wss:' ? secure : plain) });
}

/** Tasks with a checked container that has not ended; UNKNOWN before the first verdict (TCS-31, TCS-32). */
function taskHealth(engine: TaskEngine): readonly TaskHealth[] {
  return engine.workers().flatMap(({ state }) => {
    const { arn, family, version } = state.spec;
    const checked = state.spec.containers.flatMap((spec) => {
      const container = state.containers.find((c) => c.name === spec.name);
      if (spec.healthCheck === undefined || container === undefined || container.known === 'STOPPED')
        return [];
      const { status = 'UNKNOWN', since } = container.health ?? {};
      return [{ name: spec.name, status, ...(since !== undefined && { since }) }] as const;
    });
    return checked.length === 0 ? [] : [{ taskArn: arn, family, version, containers: checked }];
  });
}
