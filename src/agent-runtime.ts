import { join } from 'node:path';
import type { Logger } from 'pino';
import { reportedFamilies } from './agent-settings.ts';
import type { Config } from './config/config.ts';
import { ConfigError } from './config/config-error.ts';
import type { OpeningLogs } from './container-log/container-logs.ts';
import type { LogCredentialsSource, LogSecretsSource } from './container-log/log-service-client.ts';
import { userAgent } from './ecs/client.ts';
import type { ImageService } from './image/images.ts';
import type { ContainerRuntime } from './runtime/runtime.ts';

export interface RuntimeParts {
  readonly config: Config;
  readonly logger: Logger;
  /** Told what the agent is waiting for. */
  onPhase(text: string): void;
  readonly signal: AbortSignal;
}

/** A connected runtime with the images and the output of its containers. */
export interface AgentRuntime {
  readonly runtime: ContainerRuntime;
  readonly images: ImageService;
  /** Begins to open what keeps the output of containers; what drivers sign with and what is secret comes from the sources. */
  openLogs(credentials: LogCredentialsSource, secrets: LogSecretsSource): OpeningLogs;
  /** Frees what pulls of an agent that was killed still hold; once adopted tasks have asked for their images. */
  removeStalePulls(options: { readonly signal: AbortSignal }): Promise<void>;
  close(): Promise<void>;
}

/** Connects to the runtime that ECS_RUNTIME names, waiting for it; the other one is never loaded. */
export async function openRuntime(parts: RuntimeParts): Promise<AgentRuntime> {
  return parts.config.runtime === 'docker'
    ? await openDockerRuntime(parts)
    : await openContainerdRuntime(parts);
}

async function openContainerdRuntime({
  config,
  logger,
  onPhase,
  signal,
}: RuntimeParts): Promise<AgentRuntime> {
  const [{ openContainerd }, { createContainerdImages }, { beginLogService }] = await Promise.all([
    import('./runtime/containerd/open-containerd.ts'),
    import('./runtime/containerd/images/containerd-images.ts'),
    import('./container-log/log-service-client.ts'),
  ]);
  onPhase(`waiting for containerd at ${config.containerdAddress}`);
  const runtime = await openContainerd({
    address: config.containerdAddress,
    namespace: config.containerdNamespace,
    snapshotter: config.containerdSnapshotter,
    runtimeName: config.containerdRuntime,
    ...(config.ociRuntime !== '' && { ociRuntime: config.ociRuntime }),
    runDir: join(config.runDirectory, 'exec'),
    logger,
    signal,
  });
  const images = createContainerdImages({
    client: runtime.client,
    snapshotter: runtime.snapshotter,
    inactivityTimeoutMs: config.imagePullInactivityTimeoutMs,
  });
  return {
    runtime,
    images,
    openLogs: (credentialsOf, secretsOf) =>
      beginLogService({
        runDir: config.runDirectory,
        dataDir: config.dataDirectory,
        logger,
        region: config.region,
        userAgent: userAgent(config.detailedOsFamily),
        connection: {
          certificateFile: config.sslCertificateFile,
          certificateDirectory: config.sslCertificateDirectory,
          acceptInsecureCertificates: config.acceptInsecureCertificates,
          proxyEnvironment: config.proxyEnvironment,
        },
        credentialsOf,
        secretsOf,
      }),
    removeStalePulls: (options) => images.removeStalePulls(options),
    close: async () => {
      await images.close();
      await runtime.close();
    },
  };
}

async function openDockerRuntime({ config, logger, onPhase, signal }: RuntimeParts): Promise<AgentRuntime> {
  const socketPath = dockerSocket(config.dockerEndpoint);
  const [{ openDocker }, { DockerImages }, { RuntimeLogs }] = await Promise.all([
    import('./runtime/docker/open-docker.ts'),
    import('./runtime/docker/images/docker-images.ts'),
    import('./container-log/runtime-logs.ts'),
  ]);
  onPhase(`waiting for dockerd at ${socketPath}`);
  const { runtime, client, logDrivers } = await openDocker({
    socketPath,
    owner: config.containerdNamespace,
    reportedFamilies: reportedFamilies(config),
    logger,
    signal,
  });
  const images = new DockerImages({
    client,
    owner: config.containerdNamespace,
    inactivityTimeoutMs: config.imagePullInactivityTimeoutMs,
  });
  return {
    runtime,
    images,
    openLogs: () => ({ logs: new RuntimeLogs(logDrivers), opened: Promise.resolve() }),
    // dockerd looks after its own.
    removeStalePulls: async () => {},
    close: async () => {
      await images.close();
      await runtime.close();
    },
  };
}

function dockerSocket(endpoint: string): string {
  const path = /^unix:\/\/(\/.+)$/.exec(endpoint)?.[1];
  if (path === undefined)
    throw new ConfigError([
      `DOCKER_HOST=${endpoint} is not a unix socket; give it as unix:///var/run/docker.sock`,
    ]);
  return path;
}
