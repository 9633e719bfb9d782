import type { LaunchInput } from '../../wire/ecs-api.ts';
import type { Tag } from '../../wire/task-definition.ts';
import { clientError, invalidParameter } from '../api-error.ts';
import { containerArn, newId, taskArn } from '../arns.ts';
import { requireTaskDefinition } from '../lookup.ts';
import { attaching, freeInterface } from '../network-interfaces.ts';
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
import { queueAttachment, queuePayload } from './outbox.ts';
import { issueCredentials } from './role-credentials.ts';

/** One RunTask or StartTask, checked and ready to be placed. */
export interface Launch {
  readonly cluster: ClusterRecord;
  readonly definition: TaskDefinitionRecord;
  readonly input: LaunchInput;
  readonly launchType: 'EC2' | 'EXTERNAL';
  readonly needs: TaskNeeds;
  readonly gpus: ReadonlyMap<string, number>;
  /** Where an awsvpc task wants its ENI; absent in other modes. */
  readonly subnets?: readonly string[];
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
  const subnets = wantedSubnets(call, definition.definition.networkMode, input);
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
    ...(subnets !== undefined && { subnets }),
  };
}

/** Subnets of an awsvpc task, which has to name some; other modes may not (ecs-api.md §D2). */
function wantedSubnets(
  { settings }: Call,
  networkMode: string | undefined,
  { networkConfiguration }: LaunchInput,
): readonly string[] | undefined {
  if (networkMode !== 'awsvpc') {
    if (networkConfiguration === undefined) return undefined;
    throw invalidParameter(
      'Network Configuration is not valid for the given networkMode of this task definition.',
    );
  }
  const subnets = networkConfiguration?.awsvpcConfiguration?.subnets ?? [];
  if (subnets.length === 0)
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  if (settings.networkInterfaces.length === 0)
    throw invalidParameter(
      'This control plane has no network interfaces to give to awsvpc tasks: start it with --network-interfaces.',
    );
  const known = new Set(settings.networkInterfaces.map(({ subnetId }) => subnetId));
  const stranger = subnets.find((subnet) => !known.has(subnet));
  if (stranger !== undefined)
    throw invalidParameter(
      `The subnet ID '${stranger}' does not exist; there are network interfaces in ${[...known].join(', ')}.`,
    );
  return subnets;
}

/** The ENI that the task would get on the instance. */
function interfaceFor(call: Call, launch: Launch, instance: InstanceRecord) {
  const held = call.state.tasks.filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  const taken = new Set(held.flatMap(({ networkInterface }) => networkInterface?.interface.macAddress ?? []));
  return freeInterface(call.settings.networkInterfaces, taken, {
    subnets: launch.subnets ?? [],
    ec2InstanceId: instance.ec2InstanceId,
  });
}

/** Why the launch cannot go to the instance; undefined when it can. */
export function launchFailure(
  call: Call,
  launch: Launch,
  instance: InstanceRecord,
): PlacementFailure | undefined {
  const failure = placementFailure(
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
  if (failure !== undefined || launch.subnets === undefined) return failure;
  return interfaceFor(call, launch, instance) === undefined ? 'RESOURCE:ENI' : undefined;
}

/** Makes the task on the instance and queues its payload, or what comes before it: the news of its ENI (CP-19). */
export function launchTask(call: Call, launch: Launch, instance: InstanceRecord): TaskRecord {
  const { cluster, definition, input } = launch;
  const id = newId();
  const overrides = input.overrides ?? {};
  const free = [...freeGpus(remainingResources(instance, call.state.tasks.values()))];
  const roleArn = overrides.taskRoleArn ?? definition.definition.taskRoleArn;
  const executionRoleArn = overrides.executionRoleArn ?? definition.definition.executionRoleArn;
  const life = call.settings.credentialsLifeMs;
  const chosen = launch.subnets === undefined ? undefined : interfaceFor(call, launch, instance);
  const networkInterface =
    chosen && attaching(call.settings, chosen, call.nowMs + call.settings.attachWaitMs);
  const waitsForInterface = networkInterface?.status === 'ATTACHING';
  const task: TaskRecord = {
    taskArn: taskArn(call.settings, cluster.clusterName, id),
    clusterArn: cluster.clusterArn,
    containerInstanceArn: instance.containerInstanceArn,
    taskDefinitionArn: definition.taskDefinitionArn,
    lastStatus: waitsForInterface ? 'PROVISIONING' : 'PENDING',
    ...(networkInterface !== undefined && { networkInterface }),
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
  if (waitsForInterface) queueAttachment(call.state, task);
  else queuePayload(call.state, task);
  call.afterCommit(() => call.agents.wake(instance.containerInstanceArn));
  return task;
}

/** The run's own tags win over those it takes from its definition. */
function tags(input: LaunchInput, definition: TaskDefinitionRecord): Tag[] {
  const inherited = input.propagateTags === 'TASK_DEFINITION' ? definition.tags : [];
  return [...new Map([...inherited, ...(input.tags ?? [])].map((tag) => [tag.key, tag])).values()];
}
