import {
  deregisterContainerInstanceSchema,
  describeContainerInstancesSchema,
  listContainerInstancesSchema,
  updateContainerInstancesStateSchema,
} from '../../wire/ecs-api.ts';
import { clientError, invalidParameter } from '../api-error.ts';
import { containerInstanceArn, isArn } from '../arns.ts';
import { describeInstance } from '../describe-instance.ts';
import { findInstance, requireCluster, requireInstance } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import { page } from '../pagination.ts';
import type { ClusterRecord, InstanceRecord } from '../state/records.ts';
import { dropPayloads } from '../tasks/outbox.ts';
import { abandoned } from '../tasks/task-report.ts';

export const containerInstanceOperations: Readonly<Record<string, Operation>> = {
  DescribeContainerInstances: operation(describeContainerInstancesSchema, (input, call) => {
    const include = {
      tags: input.include?.includes('TAGS') ?? false,
      health: input.include?.includes('CONTAINER_INSTANCE_HEALTH') ?? false,
    };
    const { found, failures } = findAll(call, requireCluster(call, input.cluster), input.containerInstances);
    return {
      containerInstances: found.map((instance) => describeInstance(instance, call, include)),
      failures,
    };
  }),

  ListContainerInstances: operation(listContainerInstancesSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    if (input.filter !== undefined) {
      throw invalidParameter('This control plane has no cluster query language: leave out `filter`.');
    }
    const wanted = input.status === undefined ? ['ACTIVE', 'DRAINING'] : [input.status];
    const instances = call.state.instances.filter(
      (instance) => instance.clusterArn === cluster.clusterArn && wanted.includes(instance.status),
    );
    const { items, ...rest } = page(
      instances.map((instance) => instance.containerInstanceArn),
      input,
    );
    return { containerInstanceArns: items, ...rest };
  }),

  UpdateContainerInstancesState: operation(updateContainerInstancesStateSchema, (input, call) => {
    const { found, failures } = findAll(call, requireCluster(call, input.cluster), input.containerInstances);
    const active = found.filter(({ status }) => status !== 'INACTIVE');
    const updated = active.map(
      (instance): InstanceRecord => ({
        ...instance,
        status: input.status,
        version: instance.version + 1,
      }),
    );
    for (const instance of updated) call.state.instances.put(instance.containerInstanceArn, instance);
    const inactive = found.filter(({ status }) => status === 'INACTIVE');
    return {
      containerInstances: updated.map((instance) =>
        describeInstance(instance, call, { tags: false, health: false }),
      ),
      failures: [
        ...failures,
        ...inactive.map((instance) => ({ arn: instance.containerInstanceArn, reason: 'INACTIVE' })),
      ],
    };
  }),

  /** With `force` its tasks are given up: what still runs on the instance is nobody's any more. */
  DeregisterContainerInstance: operation(deregisterContainerInstanceSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const instance = requireInstance(call, cluster, input.containerInstance);
    const arn = instance.containerInstanceArn;
    if (instance.status === 'INACTIVE') throw clientError('The container instance is already inactive.');
    const tasks = call.state.tasks.filter(
      (task) => task.containerInstanceArn === arn && task.lastStatus !== 'STOPPED',
    );
    if (tasks.length > 0 && input.force !== true) {
      throw invalidParameter('Found running tasks on the instance.');
    }
    for (const task of tasks) {
      const reason = 'Container instance deregistration forced by user';
      call.state.tasks.put(task.taskArn, abandoned(task, reason, call.nowMs));
      dropPayloads(call.state, task.taskArn);
    }
    const inactive: InstanceRecord = { ...instance, status: 'INACTIVE', version: instance.version + 1 };
    call.state.instances.put(arn, inactive);
    call.afterCommit(() => call.agents.disconnect(arn));
    return { containerInstance: describeInstance(inactive, call, { tags: true, health: false }) };
  }),
};

function findAll(call: Call, cluster: ClusterRecord, names: readonly string[]) {
  const results = names.map((name) => ({ name, instance: findInstance(call, cluster, name) }));
  return {
    found: results.flatMap(({ instance }) => (instance === undefined ? [] : [instance])),
    failures: results
      .filter(({ instance }) => instance === undefined)
      .map(({ name }) => ({
        arn: isArn(name) ? name : containerInstanceArn(call.settings, cluster.clusterName, name),
        reason: 'MISSING',
      })),
  };
}
