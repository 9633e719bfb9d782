import type {
  InstanceRecord,
  TaskDefinitionRecord,
  TaskRecord,
} from '../../../src/control-plane/state/records.ts';
import {
  type ContainerDefinition,
  type TaskDefinition,
  type TaskOverride,
  taskDefinitionSchema,
  taskOverrideSchema,
} from '../../../src/wire/task-definition.ts';

export const SCOPE = { region: 'us-west-2', account: '123456789012' };
const ID = '0123456789abcdef0123456789abcdef';

/** A definition with one container `app`; what is given replaces what is here. */
export function definition(
  task: Record<string, unknown> = {},
  container: Record<string, unknown> = {},
): TaskDefinition {
  return taskDefinitionSchema.parse({
    family: 'web',
    containerDefinitions: [{ name: 'app', image: 'busybox', memory: 64, ...container }],
    ...task,
  });
}

export function definitionRecord(given: TaskDefinition): TaskDefinitionRecord {
  return {
    taskDefinitionArn: `arn:aws:ecs:us-west-2:123456789012:task-definition/${given.family}:7`,
    family: given.family,
    revision: 7,
    status: 'ACTIVE',
    registeredAt: 0,
    requiresAttributes: [],
    tags: [],
    definition: given,
  };
}

export function taskRecord(given: TaskDefinition, task: Partial<TaskRecord> = {}): TaskRecord {
  return {
    taskArn: `arn:aws:ecs:us-west-2:123456789012:task/default/${ID}`,
    clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/default',
    containerInstanceArn: 'arn:aws:ecs:us-west-2:123456789012:container-instance/default/i1',
    taskDefinitionArn: definitionRecord(given).taskDefinitionArn,
    lastStatus: 'PENDING',
    desiredStatus: 'RUNNING',
    version: 1,
    createdAt: 0,
    group: 'family:web',
    launchType: 'EC2',
    enableExecuteCommand: false,
    overrides: {},
    tags: [],
    needs: { cpu: 0, memoryMiB: 0, tcpPorts: [], udpPorts: [] },
    containers: given.containerDefinitions.map((container: ContainerDefinition) => ({
      containerArn: `arn:aws:ecs:us-west-2:123456789012:container/default/${ID}/${container.name}`,
      name: container.name,
      image: container.image,
      essential: container.essential ?? true,
      lastStatus: 'PENDING',
      healthChecked: container.healthCheck !== undefined,
      healthStatus: 'UNKNOWN',
    })),
    delivered: false,
    ...task,
  };
}

export function overrides(given: Record<string, unknown>): TaskOverride {
  return taskOverrideSchema.parse(given);
}

export function instanceRecord(instance: Partial<InstanceRecord> = {}): InstanceRecord {
  return {
    containerInstanceArn: 'arn:aws:ecs:us-west-2:123456789012:container-instance/default/i1',
    clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/default',
    status: 'ACTIVE',
    version: 1,
    registeredAt: 0,
    attributes: [],
    resources: [
      { name: 'CPU', type: 'INTEGER', integerValue: 2048 },
      { name: 'MEMORY', type: 'INTEGER', integerValue: 4096 },
      { name: 'PORTS', type: 'STRINGSET', stringSetValue: ['22'] },
      { name: 'PORTS_UDP', type: 'STRINGSET', stringSetValue: [] },
    ],
    versionInfo: {},
    tags: [],
    health: [],
    sequence: 0,
    ...instance,
  };
}
