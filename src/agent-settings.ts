import type { Logger } from 'pino';
import { gpuRuntimeOf } from './agent-gpus.ts';
import type { Config } from './config/config.ts';
import type { ImageCleanupSettings } from './engine/image-keeper.ts';
import type { EngineSettings } from './engine/step-context.ts';
import type { Machine } from './host/machine.ts';
import type { RegistryCredentials } from './image/images.ts';
import { parsedOrNothing } from './image/reference.ts';
import { parseRegistryAuth } from './image/registry-auth.ts';
import type { HostCapacity } from './task/host-resources.ts';
import type { ReportedFamilies } from './task/port-mapping.ts';

/** What the engine follows of the configuration. */
export function engineSettings(config: Config, cluster: string): EngineSettings {
  return {
    cluster,
    region: config.region,
    ipv6Only: config.ipCompatibility === 'ipv6',
    propagateTaskMemory: config.propagateTaskMemoryLimit,
    pauseLabels: config.pauseLabels,
    pullBehavior: config.imagePullBehavior,
    pullUpfront: config.pullDependentContainersUpfront,
    createTimeoutMs: config.containerCreateTimeoutMs,
    startTimeoutMs: config.containerStartTimeoutMs,
    stopTimeoutMs: config.containerStopTimeoutMs,
    manifestTimeoutMs: config.manifestPullTimeoutMs,
    pullTimeoutMs: config.imagePullTimeoutMs,
    cleanupWaitMs: config.taskCleanupWaitMs,
    cleanupJitterMs: config.taskCleanupWaitJitterMs,
    imageCleanup: imageCleanupSettings(config),
    gpuRuntime: gpuRuntimeOf(config),
  };
}

/** Images of the Amazon ECS agent that its clean-up spares whatever is configured (ENG-104). */
const NEVER_REMOVED = ['amazon/amazon-ecs-agent:latest', 'amazon/amazon-ecs-pause:0.1.0'];

/** When and which images go (task-engine.md §8.6). */
export function imageCleanupSettings(config: Config): ImageCleanupSettings {
  const excluded = [...NEVER_REMOVED, ...config.imageCleanupExclusions];
  return {
    enabled: !config.imageCleanupDisabled && config.imagePullBehavior !== 'prefer-cached',
    intervalMs: config.imageCleanupIntervalMs,
    rules: {
      minimumAgeMs: config.imageMinimumAgeMs,
      perCycle: config.imagesDeletedPerCycle,
      excluded: new Set(excluded.flatMap((name) => [name, parsedOrNothing(name)?.canonical ?? name])),
    },
    ...(config.untrackedImageCleanup && { untrackedMinimumAgeMs: config.untrackedImageMinimumAgeMs }),
    highWatermark: config.imageDiskHighWatermark,
    lowWatermark: config.imageDiskLowWatermark,
  };
}

/** What of this machine tasks may use; the same as ECS is told. */
export function hostCapacity(config: Config, machine: Machine, gpuIds: readonly string[]): HostCapacity {
  const knowsMemory = machine.memoryMiB > 0;
  const free = Math.max(0, machine.memoryMiB - config.reservedMemoryMiB);
  return {
    cpuUnits: machine.cpus * 1024,
    memoryMiB: knowsMemory ? free : Number.POSITIVE_INFINITY,
    reservedPorts: { tcp: config.reservedPorts, udp: config.reservedPortsUdp },
    gpus: gpuIds,
  };
}

/** An IPv6-only instance has no address that `0.0.0.0` could stand for (NET-75). */
export function reportedFamilies({
  ipCompatibility,
  excludeIpv6PortBinding,
}: Pick<Config, 'ipCompatibility' | 'excludeIpv6PortBinding'>): ReportedFamilies {
  return { ipv4: ipCompatibility !== 'ipv6', ipv6: !excludeIpv6PortBinding };
}

/** Credentials of ECS_ENGINE_AUTH_DATA by image reference (config.md §3.9). */
export function staticRegistryCredentials(
  config: Config,
  logger: Logger,
): (image: string) => RegistryCredentials | undefined {
  const { auth, warnings } = parseRegistryAuth(config.engineAuthType, config.engineAuthData?.reveal() ?? '');
  for (const warning of warnings) logger.warn({ warning }, 'ECS_ENGINE_AUTH_DATA');
  return (image) => auth.credentialsFor(image);
}
