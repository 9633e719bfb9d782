import { readFileSync } from 'node:fs';
import type { Attribute, ECS, RegisterTaskDefinitionCommandInput, Task } from '@aws-sdk/client-ecs';
import { allEnded } from '../async/all-ended.ts';
import { sleep } from '../async/deadline.ts';
import { isReadable, logDriverOf, readLogs } from '../container-log/read-logs.ts';
import { containerId } from '../task/ids.ts';
import { allTasks, containerSummary, definitionName, ecsClient, findTask, shortId } from './ecs-client.ts';
import type { LocalStack } from './stack.ts';
import type { StackRecord } from './stack-files.ts';
import { formatAge, formatTable } from './table.ts';
import { type Teller, watchTask } from './watch-task.ts';

const STOP_WAIT_MS = 120_000;

/** Reads a task definition as `aws ecs register-task-definition --cli-input-json` takes it. */
export function readTaskDefinition(file: string): RegisterTaskDefinitionCommandInput {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`cannot read ${file}: ${(error as Error).message}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || !('containerDefinitions' in value))
    throw new Error(`${file} is no task definition: it has no "containerDefinitions"`);
  return value as RegisterTaskDefinitionCommandInput;
}

/** Registers a definition and runs it; with `watch` follows the task and gives its exit code. */
export async function runTaskDefinition(
  record: StackRecord,
  definition: RegisterTaskDefinitionCommandInput,
  options: { readonly count: number; readonly tell?: Teller; readonly signal: AbortSignal },
): Promise<{ readonly name: string; readonly taskArns: readonly string[]; readonly ended?: Task }> {
  const ecs = await ecsClient(record);
  const registered = await ecs.registerTaskDefinition(definition);
  const { family, revision, requiresAttributes = [] } = registered.taskDefinition ?? {};
  const name = `${family}:${revision}`;
  const run = await ecs.runTask({ cluster: record.cluster, taskDefinition: name, count: options.count });
  const [failure] = run.failures ?? [];
  if (failure !== undefined) {
    const missing =
      failure.reason === 'ATTRIBUTE' ? await missingAttributes(ecs, record.cluster, requiresAttributes) : [];
    const named = missing.length === 0 ? '' : `: ${missing.join(', ')} (docs/supported.md)`;
    throw new Error(`the task was not placed: ${explainFailure(failure.reason)}${named}`);
  }
  const taskArns = (run.tasks ?? []).flatMap((task) => task.taskArn ?? []);
  const [first] = taskArns;
  if (options.tell === undefined || first === undefined) return { name, taskArns };
  return { name, taskArns, ended: await watchTask(ecs, record, first, options.tell, options.signal) };
}

/** Attributes of the definition that no instance of the cluster has. */
async function missingAttributes(
  ecs: ECS,
  cluster: string,
  required: readonly Attribute[],
): Promise<readonly string[]> {
  const { containerInstanceArns: containerInstances = [] } = await ecs.listContainerInstances({ cluster });
  if (containerInstances.length === 0) return [];
  const described = await ecs.describeContainerInstances({ cluster, containerInstances });
  const all = (described.containerInstances ?? []).flatMap(({ attributes = [] }) => attributes);
  return required.flatMap(({ name = '' }) => (all.some((has) => has.name === name) ? [] : [name]));
}

function explainFailure(reason: string | undefined): string {
  const hints: Readonly<Record<string, string>> = {
    ATTRIBUTE: 'no connected agent announces every capability that the task definition needs',
    AGENT: 'the agent is not connected',
    'RESOURCE:MEMORY': 'not enough memory is left on the instance',
    'RESOURCE:CPU': 'not enough CPU units are left on the instance',
    'RESOURCE:PORTS': 'a host port of the task is taken',
    'RESOURCE:GPU':
      'the instance has not as many GPUs left; without ECS_ENABLE_GPU_SUPPORT it has none (docs/install.md)',
    'RESOURCE:ENI': 'the control plane has no network interface left for the task (--network-interfaces)',
  };
  const hint = hints[reason ?? ''];
  return hint === undefined ? `${reason}` : `${reason} (${hint})`;
}

/** The table of `ps`. */
export async function listTasks(record: StackRecord, all: boolean): Promise<string> {
  const tasks = await allTasks(await ecsClient(record), record.cluster);
  const shown = all ? tasks : tasks.filter((task) => task.lastStatus !== 'STOPPED');
  if (shown.length === 0)
    return all ? 'no tasks' : 'no tasks are running; add --all for those that have stopped';
  return formatTable(
    ['TASK', 'DEFINITION', 'STATUS', 'AGE', 'CONTAINERS'],
    shown.map((task) => [
      shortId(task).slice(0, 12),
      definitionName(task),
      `${task.lastStatus}${task.desiredStatus === 'STOPPED' && task.lastStatus !== 'STOPPED' ? ' (stopping)' : ''}`,
      formatAge(Date.now() - (task.createdAt?.getTime() ?? Date.now())),
      `${(task.containers ?? []).map(containerSummary).join('; ')}${explainEnd(task)}`,
    ]),
  );
}

function explainEnd(task: Task): string {
  if (task.lastStatus !== 'STOPPED' || !task.stoppedReason) return '';
  return ` — ${task.stoppedReason}`;
}

export interface LogsOptions {
  readonly container?: string;
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: Date;
  readonly timestamps: boolean;
}

/** Prints the log of a task's containers; `write` gets whole lines with their stream. */
export async function printLogs(
  record: StackRecord,
  taskName: string,
  options: LogsOptions,
  write: (line: string, stream: 'stdout' | 'stderr') => void,
  signal: AbortSignal,
): Promise<void> {
  const task = await findTask(await ecsClient(record), record.cluster, taskName);
  const containers = (task.containers ?? []).filter(
    ({ name }) => options.container === undefined || options.container === name,
  );
  if (containers.length === 0)
    throw new Error(
      `task ${shortId(task)} has no container "${options.container}"; it has ${(task.containers ?? []).map((c) => c.name).join(', ')}`,
    );
  const prefixed = containers.length > 1;
  await Promise.all(
    containers.map(async ({ name, runtimeId }) => {
      if (runtimeId === undefined) return;
      const driver = logDriverOf(record.dataDir, containerId(runtimeId));
      if (driver === undefined) {
        const dockerd = `docker logs $(docker ps -aqf label=ecs-containerd-agent.id=${runtimeId})`;
        write(
          `ecs-local: ${name} has no log on this host: its driver is none, it was removed with its container, or dockerd keeps it (${dockerd})`,
          'stderr',
        );
        return;
      }
      if (!isReadable(driver)) {
        write(`ecs-local: ${name} logs to ${driver}; its lines are not kept on this host`, 'stderr');
        return;
      }
      const lines = readLogs({
        dataDir: record.dataDir,
        id: containerId(runtimeId),
        follow: options.follow,
        signal,
        ...(options.tail !== undefined && { tail: options.tail }),
        ...(options.since !== undefined && { since: options.since }),
      });
      for await (const { time, stream, text } of lines) {
        const parts = [options.timestamps ? time : undefined, prefixed ? `${name}:` : undefined, text];
        write(parts.filter((part) => part !== undefined).join(' '), stream);
      }
    }),
  );
}

/** Stops a task and waits until it is reported STOPPED. */
export async function stopTask(record: StackRecord, taskName: string): Promise<Task> {
  const ecs = await ecsClient(record);
  const { taskArn } = await findTask(ecs, record.cluster, taskName);
  await ecs.stopTask({ cluster: record.cluster, task: taskArn, reason: 'stopped by ecs-local' });
  const deadline = Date.now() + STOP_WAIT_MS;
  for (;;) {
    const task = await findTask(ecs, record.cluster, taskArn ?? taskName);
    if (task.lastStatus === 'STOPPED') return task;
    if (Date.now() > deadline)
      throw new Error(`task ${shortId(task)} is still ${task.lastStatus} after two minutes`);
    await sleep(100);
  }
}

/** Stops every task and removes the stack. */
export async function takeDown(stack: LocalStack): Promise<void> {
  const { record } = stack;
  const ecs = await ecsClient(record);
  const running = (await allTasks(ecs, record.cluster)).filter(({ lastStatus }) => lastStatus !== 'STOPPED');
  // Each may take all of its stopTimeout.
  await allEnded(running.map(({ taskArn = '' }) => stopTask(record, taskArn)));
  await stack.down();
}
