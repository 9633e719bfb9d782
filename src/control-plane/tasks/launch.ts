import type { LaunchInput } from '../../wire/ecs-api.ts';
import type { Tag } from '../../wire/task-definition.ts';
import { clientError, invalidParameter } from '../api-error.ts';
import { containerArn, newId, taskArn } from '../arns.ts';
import { requireTaskDefinition } from '../lookup.ts';
import type { Call } from '../operation.ts';
import { freeGpus, type PlacementFailure, placementFailure } from '../placement/placement.ts';
import { gpuNeeds, remainingResources, taskNeeds } from '../placement/resources.ts';
import type {
  ClusterRecord,
  InstanceRecord,
  TaskDefinitionRecord,
  TaskNeeds,
  TaskRecord,
} from '../state/records.ts';
import { effectiveContainers } from './effective-container.ts';
import { queuePayload } from './outbox.ts';
import { issueCredentials } from './role-credentials.ts';

/** One RunTask or StartTask, checked and ready to be placed. */
export interface Launch {
  readonly cluster: ClusterRecord;
  readonly definition: TaskDefinitionRecord;
  readonly input: LaunchInput;
  readonly launchType: 'EC2' | 'EXTERNAL';
  readonly needs: TaskNeeds;
  readonly gpus: ReadonlyMap<string, number>;
}

/** Checks what a launch asks for; what this control plane cannot do is an error that says so. */
export function prepareLaunch(
  call: Call,
  cluster: ClusterRecord,
  input: LaunchInput,
  launchType: string | undefined,
): Launch {
  const definition = requireTaskDefinition(call, input.taskDefinition, 'TaskDefinition not found.');
  if (definition.status !== 'ACTIVE') throw clientError('TaskDefinition is inactive');
  if (launchType !== undefined && launchType !== 'EC2' && launchType !== 'EXTERNAL') {
    throw invalidParameter(`This control plane has the launch types EC2 and EXTERNAL, not ${launchType}.`);
  }
  if (definition.definition.networkMode === 'awsvpc') {
    throw invalidParameter('This control plane has no network interfaces to give to awsvpc tasks.');
  }
  if (input.networkConfiguration !== undefined) {
    throw invalidParameter(
      'Network Configuration is not valid for the given networkMode of this task definition.',
    );
  }
  if ((input.volumeConfigurations ?? []).length > 0) {
    throw invalidParameter('This control plane has no volumes to attach: leave out volumeConfigurations.');
  }
  if ((definition.definition.placementConstraints ?? []).length > 0) {
    throw invalidParameter('This control plane does not know the placementConstraints of task definitions.');
  }
  const overrides = input.overrides ?? {};
  const names = definition.definition.containerDefinitions.map(({ name }) => name);
  const stranger = overrides.containerOverrides?.find(({ name }) => !names.includes(name));
  if (stranger !== undefined) {
    throw invalidParameter(
      `Override for container named ${stranger.name} is not a container in the TaskDefinition.`,
    );
  }
  return {
    cluster,
    definition,
    input,
    launchType: launchType ?? 'EC2',
    needs: taskNeeds(definition.definition, overrides),
    gpus: gpuNeeds(definition.definition, overrides),
  };
}

/** Why the launch cannot go to the instance; undefined when it can. */
export function launchFailure(
  call: Call,
  launch: Launch,
  instance: InstanceRecord,
): PlacementFailure | undefined {
  return placementFailure(
    {
      attributes: launch.definition.requiresAttributes,
      needs: launch.needs,
      gpus: [...launch.gpus.values()].reduce((total, count) => total + count, 0),
      checkResources: call.settings.checkResources,
    },
    {
      agentConnected: call.agents.isConnected(instance.containerInstanceArn),
      attributes: instance.attributes,
      remaining: remainingResources(instance, call.state.tasks.values()),
    },
  );
}

/** Makes the task on the instance and queues its payload. */
export function launchTask(call: Call, launch: Launch, instance: InstanceRecord): TaskRecord {
  const { cluster, definition, input } = launch;
  const id = newId();
  const overrides = input.overrides ?? {};
  const free = [...freeGpus(remainingResources(instance, call.state.tasks.values()))];
  const roleArn = overrides.taskRoleArn ?? definition.definition.taskRoleArn;
  const executionRoleArn = overrides.executionRoleArn ?? definition.definition.executionRoleArn;
  const life = call.settings.credentialsLifeMs;
  const task: TaskRecord = {
    taskArn: taskArn(call.settings, cluster.clusterName, id),
    clusterArn: cluster.clusterArn,
    containerInstanceArn: instance.containerInstanceArn,
    taskDefinitionArn: definition.taskDefinitionArn,
    lastStatus: 'PENDING',
    desiredStatus: 'RUNNING',
    version: 1,
    createdAt: call.nowMs,
    startedBy: input.startedBy,
    group: input.group ?? `family:${definition.family}`,
    launchType: launch.launchType,
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    overrides,
    tags: tags(input, definition),
    needs: launch.needs,
    containers: effectiveContainers(definition.definition, overrides).map(({ definition: container }) => {
      const gpus = launch.gpus.get(container.name);
      return {
        containerArn: containerArn(call.settings, cluster.clusterName, id),
        name: container.name,
        image: container.image,
        essential: container.essential ?? true,
        lastStatus: 'PENDING',
        healthChecked: container.healthCheck !== undefined,
        healthStatus: 'UNKNOWN',
        ...(gpus === undefined ? {} : { gpuIds: free.splice(0, gpus) }),
        ...(input.enableExecuteCommand === true
          ? { managedAgents: [{ name: 'ExecuteCommandAgent', lastStatus: 'PENDING' }] }
          : {}),
      };
    }),
    roleCredentials: roleArn === undefined ? undefined : issueCredentials(roleArn, call.nowMs, life),
    executionRoleCredentials:
      executionRoleArn === undefined ? undefined : issueCredentials(executionRoleArn, call.nowMs, life),
    delivered: false,
  };
  call.state.tasks.put(task.taskArn, task);
  queuePayload(call.state, task);
  call.afterCommit(() => call.agents.wake(instance.containerInstanceArn));
  return task;
}

/** The run's own tags win over those it takes from its definition. */
function tags(input: LaunchInput, definition: TaskDefinitionRecord): Tag[] {
  const inherited = input.propagateTags === 'TASK_DEFINITION' ? definition.tags : [];
  return [...new Map([...inherited, ...(input.tags ?? [])].map((tag) => [tag.key, tag])).values()];
}
