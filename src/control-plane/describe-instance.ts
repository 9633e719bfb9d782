import type { Call } from './operation.ts';
import { remainingResources } from './placement/resources.ts';
import type { InstanceRecord } from './state/records.ts';
import { seconds } from './tasks/describe-task.ts';

const HEALTH_BY_SEVERITY = ['IMPAIRED', 'INSUFFICIENT_DATA', 'INITIALIZING', 'OK'];

/** A container instance as the API shows it (ecs-api.md §D1). */
export function describeInstance(
  instance: InstanceRecord,
  call: Call,
  include: { readonly tags: boolean; readonly health: boolean },
): object {
  const tasks = call.state.tasks.filter(
    (task) => task.containerInstanceArn === instance.containerInstanceArn,
  );
  return {
    containerInstanceArn: instance.containerInstanceArn,
    ec2InstanceId: instance.ec2InstanceId ?? '',
    status: instance.status,
    version: instance.version,
    versionInfo: instance.versionInfo,
    agentConnected: call.agents.isConnected(instance.containerInstanceArn),
    registeredAt: seconds(instance.registeredAt),
    registeredResources: instance.resources,
    remainingResources: remainingResources(instance, tasks),
    runningTasksCount: tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length,
    pendingTasksCount: tasks.filter(
      ({ lastStatus }) => lastStatus === 'PENDING' || lastStatus === 'PROVISIONING',
    ).length,
    attributes: instance.attributes,
    attachments: [],
    tags: include.tags ? instance.tags : [],
    healthStatus: include.health ? healthStatus(instance) : undefined,
  };
}

function healthStatus(instance: InstanceRecord): object {
  const statuses = instance.health.map(({ status }) => status);
  return {
    overallStatus: HEALTH_BY_SEVERITY.find((status) => statuses.includes(status)) ?? 'INSUFFICIENT_DATA',
    details: instance.health.map((check) => ({
      ...check,
      // The channel says ContainerRuntime, the API CONTAINER_RUNTIME.
      type: check.type.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase(),
    })),
  };
}
