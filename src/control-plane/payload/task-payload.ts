import type { IamRoleCredentials, PayloadTask } from '../../wire/acs-payload.ts';
import { lastPart, type Scope } from '../arns.ts';
import { eniPayload } from '../network-interfaces.ts';
import type { CredentialsRecord, TaskDefinitionRecord, TaskRecord } from '../state/records.ts';
import { effectiveContainers } from '../tasks/effective-container.ts';
import { parseCpuUnits, parseMemoryMiB } from '../tasks/units.ts';
import { containerPayload } from './container-payload.ts';
import { volumePayload } from './volume-payload.ts';

const CPU_UNITS_PER_VCPU = 1024;

/**
 * The task object of a PayloadMessage (ecs-api.md §D2.1, acs.md §10.1): the definition with this run's
 * overrides merged in. It is complete even where an agent refuses a field; what is absent is undefined.
 */
export function taskPayload(task: TaskRecord, record: TaskDefinitionRecord, scope: Scope): PayloadTask {
  const { definition } = record;
  const cpu = task.overrides.cpu ?? definition.cpu;
  const memory = task.overrides.memory ?? definition.memory;
  const proxy = definition.proxyConfiguration;
  const context = {
    networkMode: definition.networkMode,
    taskId: lastPart(task.taskArn),
    region: scope.region,
    hasExecutionRole: task.executionRoleCredentials !== undefined,
    enableExecuteCommand: task.enableExecuteCommand,
  };
  return {
    arn: task.taskArn,
    taskClusterArn: task.clusterArn,
    family: record.family,
    version: String(record.revision),
    desiredStatus: task.desiredStatus,
    cpu: cpu === undefined ? undefined : parseCpuUnits(cpu) / CPU_UNITS_PER_VCPU,
    memory: memory === undefined ? undefined : parseMemoryMiB(memory),
    networkMode: definition.networkMode ?? 'bridge',
    pidMode: definition.pidMode,
    ipcMode: definition.ipcMode,
    taskDefinitionAccountId: scope.account,
    launchType: task.launchType,
    group: task.group,
    overrides: '{}',
    enableFaultInjection: definition.enableFaultInjection,
    roleCredentials: task.roleCredentials && credentialsPayload(task.roleCredentials),
    executionRoleCredentials:
      task.executionRoleCredentials && credentialsPayload(task.executionRoleCredentials),
    proxyConfiguration: proxy && {
      type: proxy.type ?? 'APPMESH',
      containerName: proxy.containerName,
      properties: Object.fromEntries((proxy.properties ?? []).map(({ name, value }) => [name, value ?? ''])),
    },
    containers: effectiveContainers(definition, task.overrides).map((container) =>
      containerPayload(container, {
        ...context,
        containerArn:
          task.containers.find(({ name }) => name === container.definition.name)?.containerArn ?? '',
      }),
    ),
    volumes: (definition.volumes ?? []).map(volumePayload),
    associations: task.containers.flatMap(({ name, gpuIds }) =>
      (gpuIds ?? []).map((id) => ({
        type: 'gpu',
        name: id,
        containers: [name],
        content: { encoding: 'base64', value: '' },
      })),
    ),
    elasticNetworkInterfaces: task.networkInterface === undefined ? [] : [eniPayload(task.networkInterface)],
  };
}

/** A credential set as it travels (acs.md §10.3). */
export function credentialsPayload(credentials: CredentialsRecord): IamRoleCredentials {
  return {
    credentialsId: credentials.credentialsId,
    roleArn: credentials.roleArn,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.secretAccessKey,
    sessionToken: credentials.sessionToken,
    expiration: expirationText(credentials.expiresAt),
  };
}

/** ISO-8601 in UTC without fractions. */
export function expirationText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}
