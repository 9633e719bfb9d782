import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import type { EngineSettings, StepPorts } from './engine/step-context.ts';
import { parseRegistryAuth } from './image/registry-auth.ts';

/** What the engine follows of the configuration. */
export function engineSettings(config: Config, cluster: string): EngineSettings {
  return {
    cluster,
    region: config.region,
    pullBehavior: config.imagePullBehavior,
    pullUpfront: config.pullDependentContainersUpfront,
    createTimeoutMs: config.containerCreateTimeoutMs,
    startTimeoutMs: config.containerStartTimeoutMs,
    stopTimeoutMs: config.containerStopTimeoutMs,
    manifestTimeoutMs: config.manifestPullTimeoutMs,
    pullTimeoutMs: config.imagePullTimeoutMs,
    cleanupWaitMs: config.taskCleanupWaitMs,
    cleanupJitterMs: config.taskCleanupWaitJitterMs,
  };
}

/** Credentials of ECS_ENGINE_AUTH_DATA by image reference (config.md §3.9). */
export function staticRegistryCredentials(config: Config, logger: Logger): StepPorts['registryCredentials'] {
  const { auth, warnings } = parseRegistryAuth(config.engineAuthType, config.engineAuthData?.reveal() ?? '');
  for (const warning of warnings) logger.warn({ warning }, 'ECS_ENGINE_AUTH_DATA');
  return (container) => auth.credentialsFor(container.image);
}
