import {
  describeTasksSchema,
  listTasksSchema,
  runTaskSchema,
  startTaskSchema,
  stopTaskSchema,
} from '../../wire/ecs-api.ts';
import { invalidParameter } from '../api-error.ts';
import { containerInstanceArn, isArn, taskArn } from '../arns.ts';
import { idempotent } from '../client-tokens.ts';
import { findInstance, findTask, requireCluster, requireInstance, requireTask } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import { page } from '../pagination.ts';
import type { InstanceRecord, TaskRecord } from '../state/records.ts';
import { describeTask } from '../tasks/describe-task.ts';
import { type Launch, launchFailure, launchTask, prepareLaunch } from '../tasks/launch.ts';
import { queuePayload } from '../tasks/outbox.ts';
import { stopRequested } from '../tasks/task-report.ts';

const MAX_TASKS_A_CALL = 10;

interface Failure {
  readonly arn: string;
  readonly reason: string;
}

export const taskOperations: Readonly<Record<string, Operation>> = {
  /** Each task goes to the first ACTIVE instance, in order of registration, that can take it. */
  RunTask: operation(runTaskSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const count = input.count ?? 1;
    if (count < 1 || count > MAX_TASKS_A_CALL) {
      throw invalidParameter(`Count should be between 1 and ${MAX_TASKS_A_CALL}.`);
    }
    if ((input.capacityProviderStrategy ?? []).length > 0) {
      throw invalidParameter('This control plane has no capacity providers: give a launchType.');
    }
    const constraints = (input.placementConstraints ?? []).map(({ type }) => type);
    if (constraints.some((type) => type !== 'distinctInstance')) {
      throw invalidParameter('This control plane knows the placement constraint distinctInstance only.');
    }
    const launch = prepareLaunch(call, cluster, input, input.launchType);
    const { clientToken, ...request } = input;
    let failures: Failure[] = [];
    const arns = idempotent(call, 'RunTask', clientToken, request, () => {
      const placed = place(call, launch, count, constraints.length > 0);
      failures = placed.failures;
      return placed.arns;
    });
    return { tasks: describeAll(call, arns, true), failures };
  }),

  /** One task on each of the instances named. */
  StartTask: operation(startTaskSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const launch = prepareLaunch(call, cluster, input, undefined);
    const failures: Failure[] = [];
    const started = input.containerInstances.flatMap((name): TaskRecord[] => {
      const instance = findInstance(call, cluster, name);
      const arn = isArn(name) ? name : containerInstanceArn(call.settings, cluster.clusterName, name);
      const reason =
        instance === undefined
          ? 'MISSING'
          : instance.status === 'INACTIVE'
            ? 'INACTIVE'
            : launchFailure(call, launch, instance);
      if (instance !== undefined && reason === undefined) return [launchTask(call, launch, instance)];
      failures.push({ arn, reason: reason ?? 'MISSING' });
      return [];
    });
    return {
      tasks: describeAll(
        call,
        started.map((task) => task.taskArn),
        true,
      ),
      failures,
    };
  }),

  StopTask: operation(stopTaskSchema, (input, call) => {
    const task = requireTask(call, requireCluster(call, input.cluster), input.task);
    if (task.lastStatus !== 'STOPPED' && task.stopCode !== 'UserInitiated') {
      const stopping = stopRequested(task, input.reason, call.nowMs);
      call.state.tasks.put(task.taskArn, stopping);
      queuePayload(call.state, stopping);
      call.afterCommit(() => call.agents.wake(task.containerInstanceArn));
    }
    return { task: describeAll(call, [task.taskArn], true)[0] };
  }),

  DescribeTasks: operation(describeTasksSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const results = input.tasks.map((name) => ({ name, task: findTask(call, cluster, name) }));
    const found = results.flatMap(({ task }) => (task === undefined ? [] : [task.taskArn]));
    return {
      tasks: describeAll(call, found, input.include?.includes('TAGS') ?? false),
      failures: results
        .filter(({ task }) => task === undefined)
        .map(({ name }) => ({
          arn: isArn(name) ? name : taskArn(call.settings, cluster.clusterName, name),
          reason: 'MISSING',
        })),
    };
  }),

  ListTasks: operation(listTasksSchema, (input, call) => {
    const cluster = requireCluster(call, input.cluster);
    const instance =
      input.containerInstance === undefined
        ? undefined
        : requireInstance(call, cluster, input.containerInstance);
    const desiredStatus = input.desiredStatus ?? 'RUNNING';
    const tasks = call.state.tasks.filter(
      (task) =>
        task.clusterArn === cluster.clusterArn &&
        task.desiredStatus === desiredStatus &&
        (instance === undefined || task.containerInstanceArn === instance.containerInstanceArn) &&
        (input.family === undefined || familyOf(call, task) === input.family) &&
        (input.startedBy === undefined || task.startedBy === input.startedBy) &&
        (input.serviceName === undefined || task.group === `service:${input.serviceName}`) &&
        (input.launchType === undefined || task.launchType === input.launchType),
    );
    const { items, ...rest } = page(
      tasks.map((task) => task.taskArn),
      input,
    );
    return { taskArns: items, ...rest };
  }),
};

function place(call: Call, launch: Launch, count: number, distinct: boolean) {
  const instances = call.state.instances.filter(
    (instance) => instance.clusterArn === launch.cluster.clusterArn && instance.status === 'ACTIVE',
  );
  if (instances.length === 0) {
    throw invalidParameter('No Container Instances were found in your cluster.');
  }
  const arns: string[] = [];
  const used = new Set<string>();
  for (let number = 0; number < count; number += 1) {
    const failures: Failure[] = [];
    const fits = (instance: InstanceRecord): boolean => {
      if (distinct && used.has(instance.containerInstanceArn)) return false;
      const reason = launchFailure(call, launch, instance);
      if (reason !== undefined) failures.push({ arn: instance.containerInstanceArn, reason });
      return reason === undefined;
    };
    const instance = instances.find(fits);
    if (instance === undefined) return { arns, failures };
    used.add(instance.containerInstanceArn);
    arns.push(launchTask(call, launch, instance).taskArn);
  }
  return { arns, failures: [] };
}

function describeAll(call: Call, arns: readonly string[], includeTags: boolean): object[] {
  return arns.flatMap((arn) => {
    const task = call.state.tasks.get(arn);
    if (task === undefined) return [];
    return [
      describeTask(task, {
        instance: call.state.instances.get(task.containerInstanceArn),
        definition: call.state.taskDefinitions.get(task.taskDefinitionArn),
        includeTags,
      }),
    ];
  });
}

function familyOf(call: Call, task: TaskRecord): string | undefined {
  return call.state.taskDefinitions.get(task.taskDefinitionArn)?.family;
}
