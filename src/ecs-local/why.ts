import type { Task } from '@aws-sdk/client-ecs';
import { type AgentDocument, askAgent } from './agent-socket.ts';
import { containerEnd, definitionName, ecsClient, findTask, shortId } from './ecs-client.ts';
import type { StackRecord } from './stack-files.ts';
import { formatAge } from './table.ts';

type AgentTask = AgentDocument['tasks'][number];

/** What a task waits for, since when and what would let it go on; for one that is over, why it is. */
export async function explainTask(record: StackRecord, name: string): Promise<string> {
  const [task, agent] = await Promise.all([
    ecsClient(record).then((ecs) => findTask(ecs, record.cluster, name)),
    askAgent(record.runDir),
  ]);
  const { lastStatus, desiredStatus } = task;
  const wanted = desiredStatus === lastStatus ? '' : `, wanted ${desiredStatus}`;
  const head = `task ${shortId(task)} (${definitionName(task)}) is ${lastStatus}${wanted}`;
  return [head, ...linesOf(task, agent, Date.now()).map((line) => `  ${line}`)].join('\n');
}

function linesOf(task: Task, agent: AgentDocument | undefined, now: number): readonly string[] {
  if (task.lastStatus === 'STOPPED') return endOf(task);
  if (agent === undefined)
    return ['the agent does not answer; what it waits for cannot be told: is it running?'];
  const known = agent.tasks.find(({ arn }) => arn === task.taskArn);
  if (known === undefined)
    return [
      agent.acs.connected
        ? 'the agent has not been sent it yet'
        : `the agent is not connected to ECS and has not heard of it: ${agent.acs.lastError ?? 'it is connecting'}`,
    ];
  return known.why.length === 0 ? ['is as it is wanted and waits for nothing'] : known.why.flatMap(say(now));
}

const say =
  (now: number) =>
  ({ container, since, what, unblock }: AgentTask['why'][number]): readonly string[] => [
    `${container ?? 'the task'} ${what}`,
    `    for ${formatAge(now - Date.parse(since))} now; goes on with: ${unblock}`,
  ];

function endOf(task: Task): readonly string[] {
  const ends = (task.containers ?? []).map((container) => `${container.name} ${containerEnd(container)}`);
  return task.stoppedReason ? [task.stoppedReason, ...ends] : ends;
}
