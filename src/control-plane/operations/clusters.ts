import {
  createClusterSchema,
  deleteClusterSchema,
  describeClustersSchema,
  listClustersSchema,
} from '../../wire/ecs-api.ts';
import { ApiError } from '../api-error.ts';
import { clusterArn, isArn } from '../arns.ts';
import { findCluster, requireCluster } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import { page } from '../pagination.ts';
import type { ClusterRecord } from '../state/records.ts';

export const clusterOperations: Readonly<Record<string, Operation>> = {
  CreateCluster: operation(createClusterSchema, (input, call) => {
    const clusterName = input.clusterName ?? 'default';
    const arn = clusterArn(call.settings, clusterName);
    const before = call.state.clusters.get(arn);
    if (before?.status === 'ACTIVE') return { cluster: describe(before, call) };
    const cluster: ClusterRecord = {
      clusterArn: arn,
      clusterName,
      status: 'ACTIVE',
      tags: input.tags ?? [],
    };
    call.state.clusters.put(arn, cluster);
    return { cluster: describe(cluster, call) };
  }),

  DescribeClusters: operation(describeClustersSchema, (input, call) => {
    const names = input.clusters === undefined || input.clusters.length === 0 ? ['default'] : input.clusters;
    const found = names.map((name) => ({ name, cluster: findCluster(call, name) }));
    return {
      clusters: found.flatMap(({ cluster }) => (cluster === undefined ? [] : [describe(cluster, call)])),
      failures: found
        .filter(({ cluster }) => cluster === undefined)
        .map(({ name }) => ({
          arn: isArn(name) ? name : clusterArn(call.settings, name),
          reason: 'MISSING',
        })),
    };
  }),

  ListClusters: operation(listClustersSchema, (input, call) => {
    const active = call.state.clusters.filter(({ status }) => status === 'ACTIVE');
    const { items, ...rest } = page(
      active.map((cluster) => cluster.clusterArn),
      input,
    );
    return { clusterArns: items, ...rest };
  }),

  DeleteCluster: operation(deleteClusterSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const instances = call.state.instances.filter(
      (instance) => instance.clusterArn === cluster.clusterArn && instance.status !== 'INACTIVE',
    );
    if (instances.length > 0) {
      throw new ApiError(
        'ClusterContainsContainerInstancesException',
        'The Cluster cannot be deleted while Container Instances are active or draining.',
      );
    }
    const deleted: ClusterRecord = { ...cluster, status: 'INACTIVE' };
    call.state.clusters.put(cluster.clusterArn, deleted);
    return { cluster: describe(deleted, call) };
  }),
};

function describe(cluster: ClusterRecord, call: Call): object {
  const tasks = call.state.tasks.filter((task) => task.clusterArn === cluster.clusterArn);
  return {
    clusterArn: cluster.clusterArn,
    clusterName: cluster.clusterName,
    status: cluster.status,
    registeredContainerInstancesCount: call.state.instances.filter(
      (instance) => instance.clusterArn === cluster.clusterArn && instance.status !== 'INACTIVE',
    ).length,
    runningTasksCount: tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING').length,
    pendingTasksCount: tasks.filter(
      ({ lastStatus }) => lastStatus === 'PENDING' || lastStatus === 'PROVISIONING',
    ).length,
    activeServicesCount: 0,
    statistics: [],
    settings: [],
    capacityProviders: [],
    defaultCapacityProviderStrategy: [],
    tags: cluster.tags,
  };
}
