import { clientError, clusterNotFound, invalidParameter } from './api-error.ts';
import { clusterArn, containerInstanceArn, isArn, taskArn } from './arns.ts';
import type { Call } from './operation.ts';
import type { ClusterRecord, InstanceRecord, TaskDefinitionRecord, TaskRecord } from './state/records.ts';

/** A cluster by name or ARN, whatever its status; without one `default` is meant. */
export function findCluster(call: Call, given: string | undefined): ClusterRecord | undefined {
  const name = given === undefined || given === '' ? 'default' : given;
  return call.state.clusters.get(isArn(name) ? name : clusterArn(call.settings, name));
}

/** An ACTIVE cluster; throws ClusterNotFoundException. */
export function requireCluster(call: Call, given: string | undefined): ClusterRecord {
  const cluster = findCluster(call, given);
  if (cluster === undefined || cluster.status !== 'ACTIVE') throw clusterNotFound();
  return cluster;
}

/** An instance of the cluster by id or ARN. */
export function findInstance(call: Call, cluster: ClusterRecord, given: string): InstanceRecord | undefined {
  const arn = isArn(given) ? given : containerInstanceArn(call.settings, cluster.clusterName, given);
  const instance = call.state.instances.get(arn);
  return instance?.clusterArn === cluster.clusterArn ? instance : undefined;
}

/** As `findInstance`; throws when there is none. */
export function requireInstance(call: Call, cluster: ClusterRecord, given: string): InstanceRecord {
  const instance = findInstance(call, cluster, given);
  if (instance === undefined) throw invalidParameter('The referenced container instance was not found.');
  return instance;
}

/** A task of the cluster by id or ARN. */
export function findTask(call: Call, cluster: ClusterRecord, given: string): TaskRecord | undefined {
  const arn = isArn(given) ? given : taskArn(call.settings, cluster.clusterName, given);
  const task = call.state.tasks.get(arn);
  return task?.clusterArn === cluster.clusterArn ? task : undefined;
}

/** As `findTask`; throws when there is none. */
export function requireTask(call: Call, cluster: ClusterRecord, given: string): TaskRecord {
  const task = findTask(call, cluster, given);
  if (task === undefined) throw invalidParameter('The referenced task was not found.');
  return task;
}

/**
 * A task definition by `family` (the newest ACTIVE revision), `family:revision` or ARN; throws
 * ClientException with `missing` when there is none.
 */
export function requireTaskDefinition(call: Call, given: string, missing: string): TaskDefinitionRecord {
  const name = isArn(given) ? given.slice(given.lastIndexOf('/') + 1) : given;
  const [family, revision] = name.split(':');
  const found = call.state.taskDefinitions
    .filter((record) => record.family === family)
    .filter((record) =>
      revision === undefined ? record.status === 'ACTIVE' : String(record.revision) === revision,
    )
    .at(-1);
  if (found === undefined || (isArn(given) && found.taskDefinitionArn !== given)) throw clientError(missing);
  return found;
}
