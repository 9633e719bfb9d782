import { readFileSync } from 'node:fs';
import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import type { ContainerState, TaskState } from '../../../src/task/task-state.ts';
import { sampleTask } from '../store/sample-task.ts';

/** One recorded request to an endpoint of the agent, or a message that led to what it tells. */
export interface RecordedLine {
  readonly ch: string;
  readonly type?: string;
  readonly method?: string;
  readonly url?: string;
  readonly status?: number;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly message?: { readonly tasks: readonly unknown[] };
}

/** A recording of test/golden; the directory that its tasks share with the host has a name of its own. */
export function recordedLines(name: string): readonly RecordedLine[] {
  return readFileSync(new URL(`../../golden/${name}.jsonl`, import.meta.url), 'utf8')
    .replaceAll('<SHAREDIR>', '/shared')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

/** The first task that ECS sent in a recording. */
export function recordedTask(lines: readonly RecordedLine[]): TaskSpec {
  const payload = lines.find(({ type }) => type === 'PayloadMessage')?.message?.tasks[0];
  const parsed = parsePayloadTask(payload, 'arn:aws:ecs:us-west-2:123456789012:cluster/peer');
  if (!('spec' in parsed)) throw new Error('the recorded payload is valid');
  return parsed.spec;
}

const imageId = 'sha256:2b950a405c307a244842bf8a0644a68461245f2de3aa4d4cb45fa7a9124efe9d';

function containerState(name: string, changes: Partial<ContainerState>): ContainerState {
  return {
    name,
    generation: 0,
    known: 'RUNNING',
    desired: 'RUNNING',
    digestResolved: true,
    imageId,
    createdAt: Date.parse('2026-11-22T20:50:40.873Z'),
    startedAt: Date.parse('2026-11-22T20:50:41.215Z'),
    remains: 'live',
    ...changes,
  };
}

/** The task as it was when it was asked: `main` runs, `two`, if there is one, has ended with 4; or all is stopped. */
export function recordedState(spec: TaskSpec, stopped: boolean, hostPort: number): TaskState {
  const finishedAt = Date.parse('2026-11-22T20:50:43.180Z');
  const desired = stopped ? 'STOPPED' : 'RUNNING';
  const health = { failures: 0, output: '', since: finishedAt };
  const main = containerState('main', {
    desired,
    addresses: { ipv4: '172.30.0.3' },
    health: { ...health, status: stopped ? 'UNHEALTHY' : 'HEALTHY' },
    portBindings: ['0.0.0.0', '::'].map((bindIp) => ({
      bindIp,
      containerPort: 80,
      hostPort,
      protocol: 'tcp' as const,
    })),
    ...(stopped && { known: 'STOPPED', exitCode: 0, finishedAt }),
  });
  const two = containerState('two', {
    desired,
    known: 'STOPPED',
    exitCode: 4,
    finishedAt,
    remains: 'released',
  });
  const names = new Set(spec.containers.map(({ name }) => name));
  // The image was there: nothing was pulled.
  const { pullStartedAt: _, pullStoppedAt: __, ...task } = sampleTask('recorded');
  return {
    ...task,
    spec,
    desired,
    known: desired,
    ...(stopped && { executionStoppedAt: Date.parse('2026-11-22T20:50:46.583Z') }),
    containers: [main, two].filter(({ name }) => names.has(name)),
  };
}
