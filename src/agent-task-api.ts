import type { Logger } from 'pino';
import type { CredentialsProvider } from './aws/credentials.ts';
import type { Config } from './config/config.ts';
import type { CredentialsStore } from './credentials/credentials-store.ts';
import type { InstanceFacts } from './ecs/instance-facts.ts';
import { TaskEcsCalls } from './ecs/task-calls.ts';
import { openLogFile } from './log/log-file.ts';
import { auditLine } from './metadata/audit-log.ts';
import { type EndpointIds, newEndpointSecret } from './metadata/endpoint-ids.ts';
import type { AgentMetrics } from './metadata/metrics/agent-metrics.ts';
import { RateLimiter } from './metadata/rate-limit.ts';
import { EndpointTasks } from './metadata/task-api/endpoint-tasks.ts';
import { FAULT_LIMIT } from './metadata/task-api/fault-route.ts';
import type { ContainerStatistics } from './metadata/task-api/metadata-routes.ts';
import { readTags } from './metadata/task-api/tags.ts';
import { TaskApiServer } from './metadata/task-api/task-api-server.ts';
import { LISTENER_PORT } from './network/endpoint/endpoint-address.ts';
import { NetworkFaults } from './network/fault/network-faults.ts';
import type { Store, StoredState } from './store/store.ts';
import type { TaskSpec } from './task/task-spec.ts';
import type { TaskState } from './task/task-state.ts';

export interface TaskApiParts {
  readonly config: Config;
  readonly cluster: string;
  readonly facts: InstanceFacts;
  readonly ids: EndpointIds;
  readonly credentials: CredentialsProvider;
  readonly roleCredentials: CredentialsStore;
  readonly statistics: ContainerStatistics;
  readonly volumesDirectory: string;
  readonly metrics: AgentMetrics;
  readonly logger: Logger;
  tasks(): readonly TaskState[];
  /** What registration told; undefined before. */
  registration(): { readonly containerInstanceArn: string; readonly availabilityZone?: string } | undefined;
  /** Whether a task's containers call through the host's network. */
  callsFromHost(spec: TaskSpec): boolean;
}

/** What the endpoint ids of tasks derive from, the same after every restart. */
export async function openEndpointSecret(store: Store, stored: StoredState): Promise<string> {
  const saved = stored.meta.get('endpoint-secret');
  if (saved !== undefined) return saved;
  const secret = newEndpointSecret();
  await store.commit([{ kind: 'putMeta', key: 'endpoint-secret', value: secret }]);
  return secret;
}

/** Builds what answers tasks, listening on the host's loopback; `close` ends it. */
export async function openTaskApi(parts: TaskApiParts): Promise<TaskApiServer & AsyncDisposable> {
  const { config, cluster, facts, logger } = parts;
  const calls = new TaskEcsCalls(config, parts.credentials);
  const audit = await openAuditLog(config, logger);
  const server = new TaskApiServer({
    sources: {
      tasks: new EndpointTasks(parts),
      store: parts.roleCredentials,
      instance: () => {
        const zone = config.taskMetadataAzDisabled ? undefined : parts.registration()?.availabilityZone;
        const zoneId = config.taskMetadataAzDisabled ? undefined : facts.availabilityZoneId;
        return {
          cluster,
          volumesDirectory: parts.volumesDirectory,
          ...(zone !== undefined && { availabilityZone: zone }),
          ...(zoneId !== undefined && { availabilityZoneId: zoneId }),
          ...(facts.vpcId !== undefined && { vpcId: facts.vpcId }),
        };
      },
      statistics: parts.statistics,
      readTags: (task) =>
        readTags(
          (arn, signal) => calls.tagsOf(arn, signal),
          task,
          parts.registration()?.containerInstanceArn,
        ),
      protection: calls,
      faults: new NetworkFaults(),
      faultLimiter: new RateLimiter(FAULT_LIMIT),
      onFaultFailed: (error) => logger.warn({ err: error }, 'a network fault could not be made'),
    },
    limiter: new RateLimiter({ steady: config.taskMetadataSteadyRate, burst: config.taskMetadataBurstRate }),
    audit: (entry) => {
      const instance = parts.registration()?.containerInstanceArn;
      const identity = { cluster, ...(instance !== undefined && { containerInstanceArn: instance }) };
      audit?.write(`${auditLine(entry, identity, new Date())}\n`);
    },
    onAnswered: (status) => parts.metrics.answered(status),
    onRequestFailed: (error) => logger.error({ err: error }, 'a request of a task could not be answered'),
    onListenFailed: (error) =>
      logger.warn({ err: error, port: LISTENER_PORT }, 'tasks of host mode cannot be served; trying again'),
  });
  server.listenOnHost(LISTENER_PORT);
  return Object.assign(server, {
    [Symbol.asyncDispose]: async () => {
      server.close();
      await audit?.end();
    },
  });
}

/** The audit log, if there is to be one; a file that cannot be written costs its lines, not the agent. */
export async function openAuditLog(config: Config, logger: Logger) {
  if (config.auditLogDisabled) return undefined;
  const warn = (error: unknown) =>
    logger.warn({ err: error, file: config.auditLogFile }, 'the audit log cannot be written');
  try {
    return await openLogFile({ ...config, logFile: config.auditLogFile }, warn);
  } catch (error) {
    warn(error);
    return undefined;
  }
}
