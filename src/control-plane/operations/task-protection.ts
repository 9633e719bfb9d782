import { getTaskProtectionSchema, updateTaskProtectionSchema } from '../../wire/ecs-api.ts';
import { isArn, taskArn } from '../arns.ts';
import { findTask, requireCluster } from '../lookup.ts';
import { type Call, type Operation, operation } from '../operation.ts';
import type { TaskRecord } from '../state/records.ts';
import { seconds } from '../tasks/describe-task.ts';

const DEFAULT_EXPIRY_MINUTES = 120;
const MINUTE_MS = 60_000;

/** AWS protects tasks of services only; here, without services, any task that is not STOPPED can be. */
export const taskProtectionOperations: Readonly<Record<string, Operation>> = {
  GetTaskProtection: operation(getTaskProtectionSchema, (input, call) => {
    const { found, failures } = findAll(call, input.cluster, input.tasks);
    return { protectedTasks: found.map((task) => describe(task, call)), failures };
  }),

  UpdateTaskProtection: operation(updateTaskProtectionSchema, (input, call) => {
    const { found, failures } = findAll(call, input.cluster, input.tasks);
    const life = (input.expiresInMinutes ?? DEFAULT_EXPIRY_MINUTES) * MINUTE_MS;
    const protection = input.protectionEnabled
      ? { enabled: true, expiresAt: call.nowMs + life }
      : { enabled: false };
    const updated = found.map((task): TaskRecord => ({ ...task, protection }));
    for (const task of updated) call.state.tasks.put(task.taskArn, task);
    return { protectedTasks: updated.map((task) => describe(task, call)), failures };
  }),
};

function describe(task: TaskRecord, call: Call): object {
  const expiresAt = task.protection?.expiresAt;
  const enabled = expiresAt !== undefined && expiresAt > call.nowMs;
  return {
    taskArn: task.taskArn,
    protectionEnabled: enabled,
    expirationDate: enabled ? seconds(expiresAt) : undefined,
  };
}

function findAll(call: Call, clusterName: string, names: readonly string[] | undefined) {
  const cluster = requireCluster(call, clusterName);
  const wanted =
    names === undefined || names.length === 0
      ? call.state.tasks
          .filter((task) => task.clusterArn === cluster.clusterArn && task.lastStatus !== 'STOPPED')
          .map((task) => task.taskArn)
      : names;
  const results = wanted.map((name) => ({ name, task: findTask(call, cluster, name) }));
  return {
    found: results.flatMap(({ task }) => (task === undefined || task.lastStatus === 'STOPPED' ? [] : [task])),
    failures: results
      .filter(({ task }) => task === undefined || task.lastStatus === 'STOPPED')
      .map(({ name, task }) => ({
        arn: isArn(name) ? name : taskArn(call.settings, cluster.clusterName, name),
        reason: task === undefined ? 'MISSING' : 'TASK_NOT_VALID',
      })),
  };
}
