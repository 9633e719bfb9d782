import type { Resource } from '../../wire/ecs-api.ts';
import type { TaskDefinition, TaskOverride } from '../../wire/task-definition.ts';
import type { InstanceRecord, TaskNeeds, TaskRecord } from '../state/records.ts';
import { effectiveContainers } from '../tasks/effective-container.ts';
import { parseCpuUnits, parseMemoryMiB } from '../tasks/units.ts';

/** What a run of the definition takes from an instance (ecs-api.md §B2). */
export function taskNeeds(definition: TaskDefinition, overrides: TaskOverride): TaskNeeds {
  const containers = effectiveContainers(definition, overrides).map((container) => container.definition);
  const cpu = overrides.cpu ?? definition.cpu;
  const memory = overrides.memory ?? definition.memory;
  const ports = (protocol: string): string[] =>
    definition.networkMode === 'awsvpc' || definition.networkMode === 'none'
      ? []
      : containers
          .flatMap(({ portMappings }) => portMappings ?? [])
          .filter((mapping) => (mapping.protocol ?? 'tcp') === protocol)
          .map((mapping) => (definition.networkMode === 'host' ? mapping.containerPort : mapping.hostPort))
          .filter((port) => port !== undefined && port !== 0)
          .map(String);
  return {
    cpu: cpu === undefined ? sum(containers.map((container) => container.cpu ?? 0)) : parseCpuUnits(cpu),
    memoryMiB:
      memory === undefined
        ? sum(containers.map((container) => container.memoryReservation ?? container.memory ?? 0))
        : parseMemoryMiB(memory),
    tcpPorts: ports('tcp'),
    udpPorts: ports('udp'),
  };
}

/** How many GPUs each container of a run wants, by name; containers without are absent. */
export function gpuNeeds(definition: TaskDefinition, overrides: TaskOverride): ReadonlyMap<string, number> {
  const wanted = effectiveContainers(definition, overrides).map((container) => {
    const gpu = container.definition.resourceRequirements?.find(({ type }) => type === 'GPU');
    return [container.definition.name, Number(gpu?.value ?? 0)] as const;
  });
  return new Map(wanted.filter(([, count]) => count > 0));
}

/** What is left of an instance: registered resources less those of its tasks that are not STOPPED. */
export function remainingResources(instance: InstanceRecord, tasks: readonly TaskRecord[]): Resource[] {
  const held = tasks.filter(
    (task) => task.containerInstanceArn === instance.containerInstanceArn && task.lastStatus !== 'STOPPED',
  );
  return instance.resources.map((resource) => {
    switch (resource.name) {
      case 'CPU':
        return reduced(resource, sum(held.map(({ needs }) => needs.cpu)));
      case 'MEMORY':
        return reduced(resource, sum(held.map(({ needs }) => needs.memoryMiB)));
      case 'PORTS':
        return withTaken(
          resource,
          held.flatMap((task) => [...task.needs.tcpPorts, ...bound(task, 'tcp')]),
        );
      case 'PORTS_UDP':
        return withTaken(
          resource,
          held.flatMap((task) => [...task.needs.udpPorts, ...bound(task, 'udp')]),
        );
      case 'GPU': {
        const taken = new Set(held.flatMap(({ containers }) => containers.flatMap((c) => c.gpuIds ?? [])));
        return { ...resource, stringSetValue: resource.stringSetValue?.filter((id) => !taken.has(id)) };
      }
      default:
        return resource;
    }
  });
}

/** The host ports that the agent reported, dynamic ones among them. */
function bound(task: TaskRecord, protocol: string): string[] {
  return task.containers
    .flatMap(({ networkBindings }) => networkBindings ?? [])
    .filter((binding) => (binding.protocol ?? 'tcp') === protocol && binding.hostPort !== undefined)
    .map(({ hostPort }) => String(hostPort));
}

function reduced(resource: Resource, amount: number): Resource {
  return { ...resource, integerValue: (resource.integerValue ?? 0) - amount };
}

/** Port sets name what is taken, not what is free. */
function withTaken(resource: Resource, ports: readonly string[]): Resource {
  return { ...resource, stringSetValue: [...new Set([...(resource.stringSetValue ?? []), ...ports])] };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
