import { describeContainerInterface, describeInterface } from '../network-interfaces.ts';
import type { InstanceRecord, TaskContainer, TaskDefinitionRecord, TaskRecord } from '../state/records.ts';
import { effectiveContainers } from './effective-container.ts';

/** What DescribeTasks tells of a task beside its record. */
export interface TaskSurroundings {
  readonly instance: InstanceRecord | undefined;
  readonly definition: TaskDefinitionRecord | undefined;
  readonly includeTags: boolean;
}

/** A task as the API shows it (ecs-api.md §D4); times in epoch seconds. */
export function describeTask(task: TaskRecord, { instance, definition, includeTags }: TaskSurroundings) {
  const effective =
    definition === undefined ? [] : effectiveContainers(definition.definition, task.overrides);
  const attribute = (name: string) => instance?.attributes.find((entry) => entry.name === name)?.value;
  const architecture = attribute('ecs.cpu-architecture');
  return {
    taskArn: task.taskArn,
    clusterArn: task.clusterArn,
    containerInstanceArn: task.containerInstanceArn,
    taskDefinitionArn: task.taskDefinitionArn,
    availabilityZone: attribute('ecs.availability-zone'),
    attributes: architecture === undefined ? [] : [{ name: 'ecs.cpu-architecture', value: architecture }],
    attachments: task.networkInterface === undefined ? [] : [describeInterface(task.networkInterface)],
    lastStatus: task.lastStatus,
    desiredStatus: task.desiredStatus,
    healthStatus: taskHealth(task.containers),
    cpu: String(task.needs.cpu),
    memory: String(task.needs.memoryMiB),
    group: task.group,
    launchType: task.launchType,
    startedBy: task.startedBy,
    enableExecuteCommand: task.enableExecuteCommand,
    version: task.version,
    connectivity: task.connectedAt === undefined ? undefined : 'CONNECTED',
    connectivityAt: seconds(task.connectedAt),
    createdAt: seconds(task.createdAt),
    startedAt: seconds(task.startedAt),
    stoppingAt: seconds(task.stoppingAt),
    stoppedAt: seconds(task.stoppedAt),
    pullStartedAt: task.pullStartedAt,
    pullStoppedAt: task.pullStoppedAt,
    executionStoppedAt: task.executionStoppedAt,
    stopCode: task.stopCode,
    stoppedReason: task.stoppedReason,
    overrides: {
      ...task.overrides,
      containerOverrides: task.containers.map(
        ({ name }) =>
          task.overrides.containerOverrides?.find((override) => override.name === name) ?? { name },
      ),
      inferenceAcceleratorOverrides: [],
    },
    containers: task.containers.map((container) => {
      const settings = effective.find(({ definition: { name } }) => name === container.name)?.definition;
      return {
        containerArn: container.containerArn,
        taskArn: task.taskArn,
        name: container.name,
        image: container.image,
        imageDigest: container.imageDigest,
        runtimeId: container.runtimeId,
        lastStatus: container.lastStatus,
        exitCode: container.exitCode,
        reason: container.reason,
        networkBindings: container.networkBindings ?? [],
        networkInterfaces:
          task.networkInterface === undefined ? [] : [describeContainerInterface(task.networkInterface)],
        healthStatus: container.healthStatus,
        managedAgents: container.managedAgents,
        cpu: String(settings?.cpu ?? 0),
        memory: settings?.memory === undefined ? undefined : String(settings.memory),
        memoryReservation:
          settings?.memoryReservation === undefined ? undefined : String(settings.memoryReservation),
        gpuIds: container.gpuIds,
      };
    }),
    tags: includeTags ? task.tags : [],
  };
}

/** Over the essential containers with a health check: the worst of them; UNKNOWN without any. */
function taskHealth(containers: readonly TaskContainer[]): string {
  const statuses = containers
    .filter(({ essential, healthChecked }) => essential && healthChecked)
    .map(({ healthStatus }) => healthStatus);
  if (statuses.includes('UNHEALTHY')) return 'UNHEALTHY';
  return statuses.length > 0 && statuses.every((status) => status === 'HEALTHY') ? 'HEALTHY' : 'UNKNOWN';
}

/** Epoch seconds with three decimals at most, as AWS JSON has them. */
export function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1000;
}
