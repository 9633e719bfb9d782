import { DEPENDENCY_CONDITIONS, type Dependency } from '../task/dependencies.ts';
import type { HealthCheck } from '../task/health.ts';
import { parseLink } from '../task/links.ts';
import type { PortMapping } from '../task/port-mapping.ts';
import type { RestartPolicy } from '../task/restart.ts';
import type { ContainerSpec, RegistryAuth } from '../task/task-spec.ts';
import type { MountPoint, VolumesFrom } from '../task/volumes.ts';
import type { PayloadContainer } from '../wire/acs-payload.ts';
import { dropAbsent, nonEmpty } from './absent.ts';
import { optionsOf } from './container-options.ts';
import {
  type DockerConfig,
  type DockerHostConfig,
  decodeConfig,
  decodeHostConfig,
  environmentOf,
  logConfigOf,
} from './docker-config.ts';
import { parseHealthCheck } from './health-check.ts';
import { InvalidTaskError } from './invalid-task.ts';
import { environmentFilesOf, secretsOf } from './secrets.ts';

/** A container of the domain, the decoded texts it was made from, and what of it cannot be had. */
export interface ParsedContainer {
  readonly spec: ContainerSpec;
  readonly payload: PayloadContainer;
  readonly config: DockerConfig;
  readonly hostConfig: DockerHostConfig;
  /** Problems that fail the container, not the payload. */
  readonly problems: readonly string[];
}

const BYTES_PER_MIB = 1024 * 1024;
const MAX_PORT = 65_535;

/**
 * A payload container with dockerConfig laid over its other members (resources.md §12.1). Throws
 * `InvalidTaskError` by the rules of acs.md §11.
 */
export function parseContainer(payload: PayloadContainer): ParsedContainer {
  const name = payload.name ?? '';
  checkNumbers(name, payload);
  checkPorts(name, payload);
  const config = decodeConfig(payload.dockerConfig?.config);
  const hostConfig = decodeHostConfig(payload.dockerConfig?.hostConfig);
  const auth = registryAuth(payload.registryAuthentication);
  const place = `containers[${name}]`;
  const problems = [
    name === '' && `${place} has no name`,
    nonEmpty(payload.image) === undefined && `${place} has no image`,
    config.problem !== undefined && `${place}.dockerConfig.config (${config.problem})`,
    hostConfig.problem !== undefined && `${place}.dockerConfig.hostConfig (${hostConfig.problem})`,
    typeof auth === 'string' && `${place}.registryAuthentication (${auth})`,
  ].filter((problem) => typeof problem === 'string');
  const command = overriddenCommand(name, payload.overrides) ?? payload.command;
  const spec: ContainerSpec = {
    name,
    image: payload.image ?? '',
    essential: payload.essential ?? false,
    environment: config.value.Env == null ? (payload.environment ?? {}) : environmentOf(config.value.Env),
    cpu: hostConfig.value.CpuShares ?? payload.cpu ?? 0,
    memoryMiB:
      hostConfig.value.Memory == null ? (payload.memory ?? 0) : hostConfig.value.Memory / BYTES_PER_MIB,
    dependsOn: dependenciesOf(payload),
    log: logConfigOf(hostConfig.value, payload.logsAuthStrategy),
    options: optionsOf(config.value, hostConfig.value),
    ...dropAbsent({
      command: config.value.Cmd ?? command,
      entryPoint: config.value.Entrypoint ?? payload.entryPoint,
      healthCheck: healthCheckOf(payload, config.value),
      restartPolicy: restartPolicyOf(payload),
      startTimeoutSec: payload.startTimeout || undefined,
      stopTimeoutSec: payload.stopTimeout || undefined,
      portMappings: portMappingsOf(payload, problems),
      containerArn: nonEmpty(payload.containerArn),
      registryAuth: typeof auth === 'string' ? undefined : auth,
      secrets: secretsOf(payload),
      environmentFiles: environmentFilesOf(payload),
      mountPoints: mountPointsOf(payload),
      volumesFrom: volumesFromOf(payload),
      links: payload.links == null || payload.links.length === 0 ? undefined : payload.links,
    }),
  };
  return { spec, payload, config: config.value, hostConfig: hostConfig.value, problems };
}

/** Only `healthCheckType` docker asks for a check; one that cannot be run is named as not supported. */
function healthCheckOf(payload: PayloadContainer, config: DockerConfig): HealthCheck | undefined {
  if (payload.healthCheckType !== 'docker') return undefined;
  const parsed = parseHealthCheck(config.Healthcheck);
  return parsed.kind === 'check' ? parsed.check : undefined;
}

/** Without an attempt period every end is followed by another start. */
function restartPolicyOf({ restartPolicy: policy }: PayloadContainer): RestartPolicy | undefined {
  if (policy?.enabled !== true) return undefined;
  return {
    ignoredExitCodes: policy.ignoredExitCodes ?? [],
    attemptPeriodMs: (policy.restartAttemptPeriod ?? 0) * 1000,
  };
}

/**
 * Conditions that are not known are named by the table of what is not supported. Who takes another's volumes waits
 * for its creation (ENG-70), who is linked to it for its start (ENG-142).
 */
function dependenciesOf(payload: PayloadContainer): Dependency[] {
  const stated = (payload.dependsOn ?? []).flatMap(({ containerName, condition }) => {
    const known = DEPENDENCY_CONDITIONS.find((candidate) => candidate === condition);
    return known === undefined ? [] : [{ containerName: containerName ?? '', condition: known }];
  });
  const linked = (payload.links ?? [])
    .flatMap((link) => parseLink(link) ?? [])
    .map(({ containerName }) => ({ containerName, condition: 'START' as const }));
  const sources = (payload.volumesFrom ?? []).map(({ sourceContainer }) => ({
    containerName: sourceContainer ?? '',
    condition: 'CREATE' as const,
  }));
  const dependencies: Dependency[] = stated;
  for (const implied of [...linked, ...sources])
    if (!dependencies.some((on) => on.containerName === implied.containerName)) dependencies.push(implied);
  return dependencies;
}

function mountPointsOf({ mountPoints }: PayloadContainer): readonly MountPoint[] | undefined {
  if (mountPoints == null || mountPoints.length === 0) return undefined;
  return mountPoints.map(({ sourceVolume, containerPath, readOnly }) => ({
    sourceVolume: sourceVolume ?? '',
    containerPath: containerPath ?? '',
    readonly: readOnly ?? false,
  }));
}

function volumesFromOf({ volumesFrom }: PayloadContainer): readonly VolumesFrom[] | undefined {
  if (volumesFrom == null || volumesFrom.length === 0) return undefined;
  return volumesFrom.map(({ sourceContainer, readOnly }) => ({
    sourceContainer: sourceContainer ?? '',
    readonly: readOnly ?? false,
  }));
}

/** `overrides.command`; the member is an object or a JSON text of one (ACS-55, ACS-56). */
function overriddenCommand(name: string, overrides: unknown): readonly string[] | undefined {
  if (overrides === null || overrides === undefined) return undefined;
  const value = typeof overrides === 'string' ? parseJson(name, overrides) : overrides;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidTaskError(`container ${name}: overrides is not an object`);
  const { command, ...others } = value as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new InvalidTaskError(`container ${name}: overrides has the key ${other}`);
  if (command === null || command === undefined) return undefined;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string'))
    throw new InvalidTaskError(`container ${name}: overrides.command is not a list of texts`);
  return command;
}

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InvalidTaskError(`container ${name}: overrides is not JSON`, { cause: error });
  }
}

function checkNumbers(name: string, payload: PayloadContainer): void {
  for (const field of ['cpu', 'memory', 'startTimeout', 'stopTimeout'] as const) {
    const value = payload[field];
    if (value != null && value < 0)
      throw new InvalidTaskError(`container ${name}: ${field} ${value} is negative`);
  }
}

function checkPorts(name: string, { portMappings }: PayloadContainer): void {
  for (const { containerPort, hostPort, protocol } of portMappings ?? []) {
    for (const port of [containerPort, hostPort])
      if (port != null && (port < 0 || port > MAX_PORT))
        throw new InvalidTaskError(`container ${name}: port ${port} is out of range`);
    if (protocol != null && !['', 'tcp', 'udp'].includes(protocol))
      throw new InvalidTaskError(`container ${name}: protocol ${protocol} is neither tcp nor udp`);
  }
}

/** What is not a range of ports is told as a problem (acs.md §10.6). */
function portMappingsOf(
  { name, portMappings }: PayloadContainer,
  problems: string[],
): readonly PortMapping[] | undefined {
  if (portMappings == null || portMappings.length === 0) return undefined;
  return portMappings.flatMap((mapping) => {
    const protocol = mapping.protocol === 'udp' ? 'udp' : 'tcp';
    const text = nonEmpty(mapping.containerPortRange);
    const { containerPort, hostPort } = mapping;
    if (text === undefined && containerPort != null && containerPort > 0)
      return { protocol, containerPort, hostPort: hostPort ?? 0 };
    const [, first = 0, last = 0] = (/^(\d+)-(\d+)$/.exec(text ?? '') ?? []).map(Number);
    if (first >= 1 && first <= last && last <= MAX_PORT)
      return { protocol, containerPort: first, hostPort: 0, rangeLength: last - first + 1 };
    problems.push(
      `containers[${name ?? ''}].portMappings (${text ?? containerPort ?? 'nothing'} is not a port or a range of ports)`,
    );
    return [];
  });
}

/** How to authenticate, undefined for not at all, or what is wrong with it. */
function registryAuth(data: PayloadContainer['registryAuthentication']): RegistryAuth | string | undefined {
  const type = nonEmpty(data?.type);
  if (type === undefined) return undefined;
  if (type === 'ecr') {
    const ecr = data?.ecrAuthData;
    if (ecr == null) return 'type ecr without ecrAuthData';
    return {
      kind: 'ecr',
      registryId: ecr.registryId ?? '',
      region: ecr.region ?? '',
      useExecutionRole: ecr.useExecutionRole ?? false,
      ...dropAbsent({ endpointOverride: nonEmpty(ecr.endpointOverride) }),
    };
  }
  if (type !== 'asm') return `unknown type ${type}`;
  const asm = data?.asmAuthData;
  if (asm == null) return 'type asm without asmAuthData';
  return {
    kind: 'secretsmanager',
    credentialsParameter: asm.credentialsParameter ?? '',
    region: asm.region ?? '',
  };
}
