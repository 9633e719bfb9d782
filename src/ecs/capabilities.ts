import type { Config } from '../config/config.ts';
import type { NameValue } from './ecs-api.ts';
import type { ImplementedFeatures } from './implemented-features.ts';

/** What decides which capabilities are claimed. */
export interface CapabilityContext {
  readonly config: Config;
  readonly features: ImplementedFeatures;
  /** Log drivers that work here. */
  readonly loggingDrivers: readonly string[];
  /** Whether task cgroups can be made on this host. */
  readonly taskCgroupsUsable: boolean;
  /** Whether this host can make every kind of network fault. */
  readonly faultsUsable: boolean;
  /** Whether the instance is in a VPC and its network plugins work. */
  readonly taskEniUsable: boolean;
  /** Whether the kernel has the vlans that branch ENIs are. */
  readonly vlansUsable: boolean;
  /** Version of our task network component. */
  readonly networkVersion?: string;
  readonly gpuDriverVersion?: string;
}

interface Row {
  readonly attributes: readonly NameValue[] | ((context: CapabilityContext) => readonly NameValue[]);
  readonly when: (context: CapabilityContext) => boolean;
  /** Not claimed by ECS Anywhere instances (ECS-75). */
  readonly notExternal?: true;
}

/** API versions without gaps up to 1.25, then what AWS demands for newer features (ECS-16, ECS-73). */
const DOCKER_API_VERSIONS = ['1.17', '1.18', '1.19', '1.20', '1.21', '1.22', '1.23', '1.24', '1.25'].concat([
  '1.28',
  '1.29',
  '1.30',
  '1.32',
]);

function ecs(...names: readonly string[]): readonly NameValue[] {
  return names.map((name) => ({ name: `ecs.capability.${name}` }));
}

function amazon(...names: readonly string[]): readonly NameValue[] {
  return names.map((name) => ({ name: `com.amazonaws.ecs.capability.${name}` }));
}

function valued(name: string, value: string | undefined): readonly NameValue[] {
  return value === undefined ? [] : [{ name: `ecs.capability.${name}`, value }];
}

const usesTaskEni = ({ config, features, taskEniUsable }: CapabilityContext) =>
  features.taskEni && config.taskEni && taskEniUsable;
const usesTrunking = (context: CapabilityContext) =>
  usesTaskEni(context) && context.features.eniTrunking && context.config.eniTrunking && context.vlansUsable;
const limitsTasks = ({ config, features, taskCgroupsUsable }: CapabilityContext) =>
  features.taskCgroups && taskCgroupsUsable && config.taskCpuMemLimit !== 'off';

/** ecs-api.md §B4 in its order; rows that no containerd agent claims are left out. */
const ROWS: readonly Row[] = [
  {
    attributes: ecs('private-registry-authentication.secretsmanager'),
    when: ({ features }) => features.privateRegistryAuth,
  },
  { attributes: ecs('secrets.ssm.environment-variables'), when: ({ features }) => features.secretsFromSsm },
  {
    attributes: ecs('secrets.ssm.bootstrap.log-driver'),
    when: ({ features }) => features.secretsFromSsm && features.logDriverSecrets,
  },
  { attributes: ecs('ecr-endpoint'), when: ({ features }) => features.ecr },
  {
    attributes: ecs('secrets.asm.environment-variables'),
    when: ({ features }) => features.secretsFromSecretsManager,
  },
  {
    attributes: ecs('secrets.asm.bootstrap.log-driver'),
    when: ({ features }) => features.secretsFromSecretsManager && features.logDriverSecrets,
  },
  { attributes: ecs('container-ordering'), when: ({ features }) => features.containerOrdering },
  { attributes: ecs('full-sync'), when: ({ features }) => features.fullSync },
  { attributes: ecs('env-files.s3'), when: ({ features }) => features.environmentFiles },
  { attributes: ecs('network.container-port-range'), when: ({ features }) => features.containerPortRange },
  { attributes: ecs('container-restart-policy'), when: ({ features }) => features.containerRestartPolicy },
  {
    attributes: amazon('privileged-container'),
    when: ({ config, features }) => features.privilegedContainers && !config.privilegedDisabled,
  },
  {
    attributes: amazon(...DOCKER_API_VERSIONS.map((version) => `docker-remote-api.${version}`)),
    when: ({ features }) => features.dockerOptions,
  },
  { attributes: loggingDrivers, when: () => true },
  {
    attributes: amazon('selinux'),
    when: ({ config, features }) => features.selinux && config.selinuxCapable,
  },
  {
    attributes: amazon('apparmor'),
    when: ({ config, features }) => features.appArmor && config.appArmorCapable,
  },
  {
    attributes: amazon('task-iam-role'),
    when: ({ config, features }) => features.taskRoles && config.taskIamRole,
  },
  {
    attributes: amazon('task-iam-role-network-host'),
    when: ({ config, features }) => features.taskRolesNetworkHost && config.taskIamRoleNetworkHost,
  },
  { attributes: ecs('task-cpu-mem-limit', 'increased-task-cpu-limit'), when: limitsTasks },
  { attributes: ecs('task-eni', 'task-eni.ipv6'), when: usesTaskEni, notExternal: true },
  {
    attributes: ({ config, networkVersion }) =>
      networkVersion === undefined
        ? []
        : [
            ...valued('cni-plugin-version', networkVersion),
            ...(config.awsvpcBlockImds ? ecs('task-eni-block-instance-metadata') : []),
          ],
    when: usesTaskEni,
    notExternal: true,
  },
  { attributes: ecs('task-eni-trunking'), when: usesTrunking, notExternal: true },
  {
    attributes: ({ networkVersion }) => valued('branch-cni-plugin-version', networkVersion),
    when: usesTrunking,
    notExternal: true,
  },
  {
    attributes: [...amazon('ecr-auth'), ...ecs('execution-role-ecr-pull')],
    when: ({ features }) => features.ecr,
  },
  {
    attributes: ecs('container-health-check'),
    when: ({ config, features }) => features.containerHealthChecks && !config.healthCheckDisabled,
  },
  {
    attributes: ecs('execution-role-awslogs'),
    when: ({ config, features }) => features.awslogsExecutionRole && config.awslogsExecutionRole,
  },
  { attributes: ecs('docker-plugin.local'), when: ({ features }) => features.localVolumes },
  {
    attributes: ({ gpuDriverVersion: version }) =>
      version === undefined
        ? []
        : [...ecs(`nvidia-driver-version.${version}`), ...valued('gpu-driver-version', version)],
    when: ({ config, features }) => features.gpu && config.gpuSupport,
  },
  { attributes: ecs('pid-ipc-namespace-sharing'), when: ({ features }) => features.pidAndIpcSharing },
  { attributes: ecs('aws-appmesh'), when: ({ features }) => features.appMesh, notExternal: true },
  {
    attributes: [
      ...ecs('firelens.fluentd', 'firelens.fluentbit'),
      ...amazon('logging-driver.awsfirelens'),
      ...ecs('logging-driver.awsfirelens.log-driver-buffer-limit', 'firelens.non-root-user'),
    ],
    when: ({ features }) => features.fireLens,
  },
  { attributes: ecs('efs'), when: ({ features }) => features.efs },
  { attributes: ecs('storage.s3-files'), when: ({ features }) => features.s3Files },
  {
    attributes: ecs('firelens.options.config.file', 'firelens.options.config.s3'),
    when: ({ features }) => features.fireLens,
  },
  { attributes: ecs('efsAuth'), when: ({ features }) => features.efs },
  { attributes: ecs('execute-command'), when: ({ features }) => features.executeCommand },
  {
    attributes: ecs('service-connect-v1'),
    when: ({ features }) => features.serviceConnect,
    notExternal: true,
  },
  {
    attributes: ecs('storage.ebs-task-volume-attach', 'storage.ebsta-non-root-user'),
    when: ({ config, features }) => features.ebsVolumes && config.ebsTaskAttach,
    notExternal: true,
  },
  { attributes: ecs('external'), when: ({ config }) => config.external },
  {
    attributes: ecs('fault-injection'),
    when: ({ features, faultsUsable }) => features.faultInjection && faultsUsable,
    notExternal: true,
  },
  { attributes: ecs('ipv6-only'), when: ({ features }) => features.ipv6Only },
];

/** Configured and working at once, in the configured order (ECS-17); awsfirelens has a row of its own. */
function loggingDrivers({ config, loggingDrivers: working }: CapabilityContext): readonly NameValue[] {
  const claimed = config.availableLoggingDrivers.filter(
    (driver) => driver !== 'awsfirelens' && working.includes(driver),
  );
  return amazon(...claimed.map((driver) => `logging-driver.${driver}`));
}

/** The capabilities that this agent claims on this host, in the order in which they are registered. */
export function capabilities(context: CapabilityContext): readonly NameValue[] {
  return ROWS.filter((row) => row.when(context) && !(row.notExternal && context.config.external)).flatMap(
    (row) => (typeof row.attributes === 'function' ? row.attributes(context) : row.attributes),
  );
}
