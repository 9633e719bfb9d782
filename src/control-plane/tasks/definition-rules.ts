import type { ContainerDefinition, TaskDefinition } from '../../wire/task-definition.ts';
import { clientError } from '../api-error.ts';
import { parseCpuUnits, parseMemoryMiB } from './units.ts';

/** Checks what holds between the parts of a definition; throws ClientException in the manner of AWS. */
export function checkDefinition(definition: TaskDefinition): void {
  const containers = definition.containerDefinitions;
  const names = containers.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw clientError(`Container.name '${twice}' is used more than once.`);
  if (!containers.some(({ essential }) => essential !== false)) {
    throw clientError('At least one container must be essential.');
  }
  if (definition.cpu !== undefined) parseCpuUnits(definition.cpu);
  const taskMemory = definition.memory === undefined ? undefined : parseMemoryMiB(definition.memory);
  const volumes = new Set((definition.volumes ?? []).map(({ name }) => name));
  for (const container of containers) {
    checkMemory(container, taskMemory);
    checkReferences(container, names, volumes);
    if (definition.networkMode === 'host' || definition.networkMode === 'awsvpc') {
      checkHostPorts(container, definition.networkMode);
    }
  }
  checkOrder(containers);
}

/** The definition as it is kept and described: what was given, with the defaults that AWS fills in. */
export function withDefaults(definition: TaskDefinition): TaskDefinition {
  const { cpu, memory } = definition;
  return {
    ...definition,
    ...(cpu === undefined ? {} : { cpu: String(parseCpuUnits(cpu)) }),
    ...(memory === undefined ? {} : { memory: String(parseMemoryMiB(memory)) }),
    volumes: definition.volumes ?? [],
    placementConstraints: definition.placementConstraints ?? [],
    containerDefinitions: definition.containerDefinitions.map((container) => ({
      ...container,
      cpu: container.cpu ?? 0,
      essential: container.essential ?? true,
      portMappings: (container.portMappings ?? []).map((mapping) => ({
        ...mapping,
        ...(mapping.containerPortRange === undefined
          ? {
              hostPort:
                mapping.hostPort ??
                (definition.networkMode === 'host' || definition.networkMode === 'awsvpc'
                  ? mapping.containerPort
                  : 0),
            }
          : {}),
        protocol: mapping.protocol ?? 'tcp',
      })),
      environment: container.environment ?? [],
      mountPoints: container.mountPoints ?? [],
      volumesFrom: container.volumesFrom ?? [],
      systemControls: container.systemControls ?? [],
    })),
  };
}

function checkMemory(container: ContainerDefinition, taskMemory: number | undefined): void {
  const { name, memory, memoryReservation } = container;
  if (taskMemory === undefined && memory === undefined && memoryReservation === undefined) {
    throw clientError(
      `Invalid setting for container '${name}'. At least one of 'memory' or 'memoryReservation' must be specified.`,
    );
  }
  if (memory !== undefined && memoryReservation !== undefined && memoryReservation > memory) {
    throw clientError(
      `Invalid setting for container '${name}'. 'memory' must be at least 'memoryReservation'.`,
    );
  }
  if (taskMemory !== undefined && (memory ?? 0) > taskMemory) {
    throw clientError(`The 'memory' setting for container '${name}' is greater than for the task.`);
  }
}

function checkReferences(
  container: ContainerDefinition,
  names: readonly string[],
  volumes: ReadonlySet<string>,
): void {
  for (const { sourceVolume } of container.mountPoints ?? []) {
    if (sourceVolume === undefined || !volumes.has(sourceVolume)) {
      throw clientError(`Unknown volume '${sourceVolume ?? ''}'.`);
    }
  }
  const wanted = [
    ...(container.dependsOn ?? []).map(({ containerName }) => containerName),
    ...(container.volumesFrom ?? []).map(({ sourceContainer }) => sourceContainer ?? ''),
    ...(container.links ?? []).map((link) => link.split(':')[0] ?? ''),
  ];
  const unknown = wanted.find((name) => name === container.name || !names.includes(name));
  if (unknown !== undefined) {
    throw clientError(
      `Container '${container.name}' refers to '${unknown}', which is not another container.`,
    );
  }
}

function checkHostPorts(container: ContainerDefinition, networkMode: string): void {
  for (const { containerPort, hostPort } of container.portMappings ?? []) {
    if (hostPort !== undefined && hostPort !== 0 && hostPort !== containerPort) {
      throw clientError(
        `When networkMode=${networkMode}, the host ports and container ports in port mappings must match.`,
      );
    }
  }
}

/** A container must not wait for itself, over others or not. */
function checkOrder(containers: readonly ContainerDefinition[]): void {
  const waitsFor = new Map(
    containers.map(({ name, dependsOn }) => [
      name,
      (dependsOn ?? []).map(({ containerName }) => containerName),
    ]),
  );
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      throw clientError(`Container dependencies are circular: ${[...path, name].join(' → ')}.`);
    }
    if (done.has(name)) return;
    for (const next of waitsFor.get(name) ?? []) visit(next, [...path, name]);
    done.add(name);
  };
  for (const { name } of containers) visit(name, []);
}
