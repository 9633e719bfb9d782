import type { ECS, Task } from '@aws-sdk/client-ecs';
import { sleep } from '../async/deadline.ts';
import { containerId } from '../task/ids.ts';
import { describeLaziness } from '../task/laziness.ts';
import { type AgentDocument, askAgent, type PullProgressDocument } from './agent-socket.ts';
import { containerEnd } from './ecs-client.ts';
import { LogFollower } from './log-follower.ts';
import type { StackRecord } from './stack-files.ts';
import { formatBytes } from './table.ts';

const LOOK_EVERY_MS = 50;
/** Log lines may still be on their way to disk when the task is reported stopped. */
const LOG_GRACE_MS = 10_000;

/** Where the story of a task is told: one line a fact, with the seconds since its start. */
export type Teller = (seconds: number, what: string, detail: string) => void;

/**
 * Follows a task to its end: each state once, progress of pulls, log lines as they come. Resolves with the task
 * as it ended; rejects when the signal aborts.
 */
export async function watchTask(
  ecs: ECS,
  record: StackRecord,
  taskArn: string,
  tell: Teller,
  signal: AbortSignal,
): Promise<Task> {
  const begun = performance.now();
  const say = (what: string, detail = '') => tell((performance.now() - begun) / 1000, what, detail);
  const logs = new Map<string, LogFollower>();
  let giveUpAt = Number.POSITIVE_INFINITY;
  const said = new Set<string>();
  const once = (key: string, what: string, detail = '') => {
    if (said.has(key)) return;
    said.add(key);
    say(what, detail);
  };
  for (;;) {
    signal.throwIfAborted();
    const [described, agent] = await Promise.all([
      ecs.describeTasks({ cluster: record.cluster, tasks: [taskArn] }),
      askAgent(record.runDir),
    ]);
    const task = described.tasks?.[0];
    if (task === undefined) throw new Error(`the control plane knows no task ${taskArn}`);
    const steps = agent?.tasks.find((candidate) => candidate.arn === taskArn);
    for (const { container, progress } of steps?.steps ?? []) {
      if (progress === undefined) continue;
      const { bytesDone, layersTotal, trouble } = progress;
      if (layersTotal > 0)
        once(`pull ${container} ${bytesDone}`, 'pulling', `${container}  ${describeProgress(progress)}`);
      if (trouble !== undefined)
        once(`trouble ${container} ${trouble}`, 'waiting', `${container}  ${trouble}; trying again`);
    }
    for (const { kind, container, error } of steps?.stuck ?? [])
      once(`stuck ${kind} ${container} ${error}`, 'waiting', `${container ?? 'task'}: ${error}`);
    if (task.lastStatus !== 'STOPPED') once(`task ${task.lastStatus}`, task.lastStatus ?? '');
    for (const { name, runtimeId } of task.containers ?? [])
      if (name !== undefined && runtimeId !== undefined && !logs.has(name))
        logs.set(
          name,
          new LogFollower(record, containerId(runtimeId), (text) => say('log', `${name}  ${text}`)),
        );
    if (task.lastStatus === 'STOPPED' && (logsComplete(agent, taskArn) || Date.now() > giveUpAt)) {
      for (const log of logs.values()) await log.end();
      for (const container of task.containers ?? [])
        say('STOPPED', `${container.name}  ${containerEnd(container)}`);
      if (task.stoppedReason) say('', task.stoppedReason);
      return task;
    }
    if (task.lastStatus === 'STOPPED') giveUpAt = Math.min(giveUpAt, Date.now() + LOG_GRACE_MS);
    await sleep(LOOK_EVERY_MS, signal);
  }
}

/** `12.0 MB of 80.1 MB at 9.4 MB/s, 8 s left, 1 of 3 layers unpacked`. */
export function describeProgress(progress: PullProgressDocument): string {
  const {
    bytesDone,
    bytesTotal,
    bytesPerSecond = 0,
    secondsLeft = 0,
    layersUnpacked,
    layersTotal,
    laziness,
  } = progress;
  const speed = bytesPerSecond > 0 && bytesDone < bytesTotal ? ` at ${formatBytes(bytesPerSecond)}/s` : '';
  const left = secondsLeft > 0 ? `, ${secondsLeft} s left` : '';
  const how = laziness === undefined ? '' : `, ${describeLaziness(laziness)}`;
  return (
    `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)}${speed}${left}, ` +
    `${layersUnpacked} of ${layersTotal} layers unpacked${how}`
  );
}

/** The agent has closed the logs of all containers, or has forgotten the task. */
function logsComplete(agent: AgentDocument | undefined, taskArn: string): boolean {
  const task = agent?.tasks.find((candidate) => candidate.arn === taskArn);
  return agent !== undefined && (task?.containers.every((container) => container.logComplete) ?? true);
}
