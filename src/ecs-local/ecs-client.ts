import type { Container, ECS, Task } from '@aws-sdk/client-ecs';
import type { StackRecord } from './stack-files.ts';

/** The public ECS API of the stack's control plane, by the AWS SDK. */
export async function ecsClient(record: StackRecord): Promise<ECS> {
  const sdk = await import('@aws-sdk/client-ecs');
  return new sdk.ECS({
    endpoint: record.controlPlaneUrl,
    region: record.region,
    credentials: { accessKeyId: record.accessKeyId, secretAccessKey: record.secretAccessKey },
  });
}

/** One task by ARN, id or the beginning of its id, running or not. */
export async function findTask(ecs: ECS, cluster: string, name: string): Promise<Task> {
  const tasks = await allTasks(ecs, cluster);
  const matching = tasks.filter((task) => task.taskArn === name || shortId(task).startsWith(name));
  const [task] = matching;
  if (task === undefined)
    throw new Error(`no task "${name}" in cluster ${cluster}; see: npm run ecs-local -- ps --all`);
  if (matching.length > 1)
    throw new Error(`"${name}" is the beginning of ${matching.length} task ids; give more`);
  return task;
}

export async function allTasks(ecs: ECS, cluster: string): Promise<readonly Task[]> {
  const arns: string[] = [];
  for (const desiredStatus of ['RUNNING', 'STOPPED'] as const) {
    let nextToken: string | undefined;
    do {
      const page = await ecs.listTasks({ cluster, desiredStatus, nextToken });
      arns.push(...(page.taskArns ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
  }
  const tasks: Task[] = [];
  for (let i = 0; i < arns.length; i += 100)
    tasks.push(...((await ecs.describeTasks({ cluster, tasks: arns.slice(i, i + 100) })).tasks ?? []));
  return tasks.toSorted((a, b) => (a.createdAt?.getTime() ?? 0) - (b.createdAt?.getTime() ?? 0));
}

/** Last segment of the task's ARN. */
export function shortId(task: Task): string {
  const arn = task.taskArn ?? '';
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** `family:revision` of the task. */
export function definitionName(task: Task): string {
  const arn = task.taskDefinitionArn ?? '';
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** How a container stands, in a few words. */
export function containerSummary(container: Container): string {
  const status = container.lastStatus ?? 'PENDING';
  return status === 'STOPPED'
    ? `${container.name} STOPPED, ${containerEnd(container)}`
    : `${container.name} ${status}`;
}

/** Exit code and reason of a stopped container. */
export function containerEnd({ exitCode, reason }: Container): string {
  const code = exitCode === undefined ? 'no exit code' : `exit code ${exitCode}`;
  return reason ? `${code}: ${reason}` : code;
}
