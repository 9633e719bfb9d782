import type { Attribute } from '../../wire/ecs-api.ts';
import type { ContainerDefinition, TaskDefinition } from '../../wire/task-definition.ts';

const C = 'com.amazonaws.ecs.capability.';
const E = 'ecs.capability.';
const ECR = /^\d{12}\.dkr\.ecr(?:-fips)?\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?\//;
const SECRETS_MANAGER = /^arn:[^:]*:secretsmanager:/;

type Rule = readonly [attribute: string, needed: (task: TaskDefinition) => boolean];

const anyContainer =
  (needed: (container: ContainerDefinition) => unknown) =>
  (task: TaskDefinition): boolean =>
    task.containerDefinitions.some((container) => Boolean(needed(container)));

const hasItems = (list: readonly unknown[] | undefined): boolean => list !== undefined && list.length > 0;
const usesLog = (driver: string) => anyContainer((c) => c.logConfiguration?.logDriver === driver);
const usesEcr = anyContainer((c) => ECR.test(c.image));
const hasExecutionRole = (task: TaskDefinition) => task.executionRoleArn !== undefined;
const secretFrom = (manager: boolean) =>
  anyContainer((c) => c.secrets?.some(({ valueFrom }) => SECRETS_MANAGER.test(valueFrom) === manager));
const logSecretFrom = (manager: boolean) =>
  anyContainer((c) =>
    c.logConfiguration?.secretOptions?.some(({ valueFrom }) => SECRETS_MANAGER.test(valueFrom) === manager),
  );

/** What a task definition asks of an agent: capability names of ecs-api.md §B4. One row a field. */
const RULES: readonly Rule[] = [
  [`${C}docker-remote-api.1.18`, anyContainer((c) => c.logConfiguration)],
  [`${C}docker-remote-api.1.18`, anyContainer((c) => hasItems(c.ulimits))],
  [`${C}docker-remote-api.1.19`, (t) => usesEcr(t) || t.taskRoleArn !== undefined || hasExecutionRole(t)],
  [`${C}docker-remote-api.1.21`, anyContainer((c) => c.memoryReservation)],
  [`${C}docker-remote-api.1.21`, usesLog('awslogs')],
  [
    `${C}docker-remote-api.1.22`,
    anyContainer(({ linuxParameters: l }) => l?.sharedMemorySize !== undefined || hasItems(l?.tmpfs)),
  ],
  [`${C}docker-remote-api.1.22`, (t) => t.cpu !== undefined || t.memory !== undefined],
  [`${C}docker-remote-api.1.24`, anyContainer((c) => c.healthCheck)],
  [`${C}docker-remote-api.1.24`, anyContainer((c) => hasItems(c.systemControls))],
  [`${C}docker-remote-api.1.25`, anyContainer((c) => c.linuxParameters?.initProcessEnabled)],
  [`${C}docker-remote-api.1.29`, anyContainer((c) => c.healthCheck?.startPeriod)],
  [`${C}privileged-container`, anyContainer((c) => c.privileged)],
  [`${C}selinux`, anyContainer((c) => c.dockerSecurityOptions?.some((o) => o.startsWith('label:')))],
  [`${C}apparmor`, anyContainer((c) => c.dockerSecurityOptions?.some((o) => o.startsWith('apparmor:')))],
  [`${C}task-iam-role`, (t) => t.taskRoleArn !== undefined],
  [`${C}task-iam-role-network-host`, (t) => t.taskRoleArn !== undefined && t.networkMode === 'host'],
  [`${C}ecr-auth`, usesEcr],
  [`${E}execution-role-ecr-pull`, (t) => usesEcr(t) && hasExecutionRole(t)],
  [`${E}execution-role-awslogs`, (t) => usesLog('awslogs')(t) && hasExecutionRole(t)],
  [`${E}task-cpu-mem-limit`, (t) => t.cpu !== undefined || t.memory !== undefined],
  [`${E}container-health-check`, anyContainer((c) => c.healthCheck)],
  [`${E}container-ordering`, anyContainer((c) => hasItems(c.dependsOn) || c.startTimeout || c.stopTimeout)],
  [`${E}container-restart-policy`, anyContainer((c) => c.restartPolicy?.enabled)],
  [
    `${E}network.container-port-range`,
    anyContainer((c) => c.portMappings?.some((p) => p.containerPortRange !== undefined)),
  ],
  [`${E}task-eni`, (t) => t.networkMode === 'awsvpc'],
  [
    `${E}pid-ipc-namespace-sharing`,
    (t) => t.pidMode !== undefined || (t.ipcMode !== undefined && t.ipcMode !== 'none'),
  ],
  [`${E}private-registry-authentication.secretsmanager`, anyContainer((c) => c.repositoryCredentials)],
  [`${E}secrets.asm.environment-variables`, secretFrom(true)],
  [`${E}secrets.ssm.environment-variables`, secretFrom(false)],
  [`${E}secrets.asm.bootstrap.log-driver`, logSecretFrom(true)],
  [`${E}secrets.ssm.bootstrap.log-driver`, logSecretFrom(false)],
  [`${E}env-files.s3`, anyContainer((c) => hasItems(c.environmentFiles))],
  [`${E}aws-appmesh`, (t) => t.proxyConfiguration !== undefined],
  [`${E}firelens.fluentd`, anyContainer((c) => c.firelensConfiguration?.type === 'fluentd')],
  [`${E}firelens.fluentbit`, anyContainer((c) => c.firelensConfiguration?.type === 'fluentbit')],
  [
    `${E}firelens.options.config.file`,
    anyContainer((c) => c.firelensConfiguration?.options?.['config-file-type'] === 'file'),
  ],
  [
    `${E}firelens.options.config.s3`,
    anyContainer((c) => c.firelensConfiguration?.options?.['config-file-type'] === 's3'),
  ],
  [`${E}efs`, (t) => t.volumes?.some((v) => v.efsVolumeConfiguration !== undefined) ?? false],
  [
    `${E}efsAuth`,
    (t) => t.volumes?.some((v) => v.efsVolumeConfiguration?.authorizationConfig !== undefined) ?? false,
  ],
  [
    `${E}fsxWindowsFileServer`,
    (t) => t.volumes?.some((v) => v.fsxWindowsFileServerVolumeConfiguration !== undefined) ?? false,
  ],
  [
    `${E}storage.ebs-task-volume-attach`,
    (t) => t.volumes?.some((v) => v.configuredAtLaunch === true) ?? false,
  ],
  [`${E}fault-injection`, (t) => t.enableFaultInjection === true],
];

/** The attributes an instance must have for this definition (what AWS returns as `requiresAttributes`). */
export function requiredAttributes(definition: TaskDefinition): Attribute[] {
  const names = new Set(RULES.filter(([, needed]) => needed(definition)).map(([name]) => name));
  for (const { logConfiguration } of definition.containerDefinitions) {
    if (logConfiguration !== undefined) names.add(`${C}logging-driver.${logConfiguration.logDriver}`);
  }
  for (const { dockerVolumeConfiguration } of definition.volumes ?? []) {
    if (dockerVolumeConfiguration === undefined) continue;
    names.add(`${E}docker-plugin.${(dockerVolumeConfiguration.driver ?? 'local').replaceAll(':', '.')}`);
  }
  return [...names].sort().map((name) => ({ name }));
}
