import type { PayloadContainer } from '../../wire/acs-payload.ts';
import type { ContainerDefinition } from '../../wire/task-definition.ts';
import type { EffectiveContainer } from '../tasks/effective-container.ts';
import { type DockerConfigContext, dockerConfig } from './docker-config.ts';

/** What the translation of a container needs of its task. */
export interface ContainerContext extends DockerConfigContext {
  readonly containerArn: string;
  readonly region: string;
  readonly hasExecutionRole: boolean;
  readonly enableExecuteCommand: boolean;
}

const ECR_IMAGE = /^(\d{12})\.dkr\.ecr(?:-fips)?\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\//;
const DEFAULT_RESTART_ATTEMPT_PERIOD_S = 300;

/** A container of the ACS payload (ecs-api.md §D2.2, acs.md §10.2). */
export function containerPayload(
  { definition, commandOverride }: EffectiveContainer,
  context: ContainerContext,
): PayloadContainer {
  const secrets = secretsPayload(definition, context.region);
  const log = definition.logConfiguration;
  return {
    name: definition.name,
    image: definition.image,
    essential: definition.essential ?? true,
    cpu: definition.cpu ?? 0,
    memory: definition.memory ?? 0,
    entryPoint: definition.entryPoint,
    command: definition.command,
    overrides: commandOverride === undefined ? '{}' : JSON.stringify({ command: commandOverride }),
    environment: environment(definition),
    environmentFiles: definition.environmentFiles,
    links: definition.links,
    portMappings: portMappings(definition, context.networkMode),
    mountPoints: (definition.mountPoints ?? []).map((mount) => ({
      sourceVolume: mount.sourceVolume,
      containerPath: mount.containerPath,
      readOnly: mount.readOnly ?? false,
    })),
    volumesFrom: (definition.volumesFrom ?? []).map((from) => ({
      sourceContainer: from.sourceContainer,
      readOnly: from.readOnly ?? false,
    })),
    dependsOn: definition.dependsOn,
    startTimeout: definition.startTimeout,
    stopTimeout: definition.stopTimeout,
    healthCheckType: definition.healthCheck === undefined ? undefined : 'docker',
    restartPolicy: definition.restartPolicy && {
      ...definition.restartPolicy,
      restartAttemptPeriod: definition.restartPolicy.restartAttemptPeriod ?? DEFAULT_RESTART_ATTEMPT_PERIOD_S,
    },
    firelensConfiguration: definition.firelensConfiguration,
    credentialSpecs: definition.credentialSpecs,
    registryAuthentication: registryAuthentication(definition, context),
    secrets: secrets.length === 0 ? undefined : secrets,
    logsAuthStrategy: log?.logDriver === 'awslogs' && context.hasExecutionRole ? 'ExecutionRole' : undefined,
    managedAgents: context.enableExecuteCommand
      ? [{ name: 'ExecuteCommandAgent', properties: {} }]
      : undefined,
    dockerConfig: dockerConfig(definition, context),
    containerArn: context.containerArn,
  };
}

/** One map (CP-07); the agent does not add `AWS_EXECUTION_ENV` itself (CP-32). */
function environment(definition: ContainerDefinition): Record<string, string> {
  return Object.fromEntries([
    ['AWS_EXECUTION_ENV', 'AWS_ECS_EC2'],
    ...(definition.environment ?? []).map(({ name, value }) => [name, value ?? '']),
  ]);
}

function portMappings(definition: ContainerDefinition, networkMode: string | undefined) {
  const sharesHostPorts = networkMode === 'host' || networkMode === 'awsvpc';
  return (definition.portMappings ?? []).map((mapping) =>
    mapping.containerPortRange === undefined
      ? {
          containerPort: mapping.containerPort,
          hostPort: sharesHostPorts ? mapping.containerPort : (mapping.hostPort ?? 0),
          protocol: mapping.protocol ?? 'tcp',
        }
      : { containerPortRange: mapping.containerPortRange, protocol: mapping.protocol ?? 'tcp' },
  );
}

function registryAuthentication(definition: ContainerDefinition, context: ContainerContext) {
  const parameter = definition.repositoryCredentials?.credentialsParameter;
  if (parameter !== undefined) {
    const region = regionOf(parameter, context.region);
    return { type: 'asm', asmAuthData: { credentialsParameter: parameter, region } };
  }
  const ecr = ECR_IMAGE.exec(definition.image);
  if (ecr === null) return undefined;
  const [, registryId, region] = ecr;
  return { type: 'ecr', ecrAuthData: { registryId, region, useExecutionRole: context.hasExecutionRole } };
}

function secretsPayload(definition: ContainerDefinition, region: string) {
  const secret = (
    { name, valueFrom }: { name: string; valueFrom: string },
    use: { type: string; target: string },
  ) => ({
    name,
    valueFrom,
    region: regionOf(valueFrom, region),
    provider: valueFrom.split(':')[2] === 'secretsmanager' ? 'asm' : 'ssm',
    ...use,
  });
  return [
    ...(definition.secrets ?? []).map((entry) =>
      secret(entry, { type: 'ENVIRONMENT_VARIABLE', target: 'CONTAINER' }),
    ),
    ...(definition.logConfiguration?.secretOptions ?? []).map((entry) =>
      secret(entry, { type: 'BOOTSTRAP', target: 'LOG_DRIVER' }),
    ),
  ];
}

function regionOf(arnOrName: string, fallback: string): string {
  return (arnOrName.startsWith('arn:') ? arnOrName.split(':')[3] : undefined) || fallback;
}
