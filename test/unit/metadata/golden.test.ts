import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parsePayloadTask } from '../../../src/acs/payload-task.ts';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { containerDisplayName, containerIdOf } from '../../../src/task/ids.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import type { ContainerState, TaskState } from '../../../src/task/task-state.ts';
import { sampleTask } from '../store/sample-task.ts';
import { TaskApiWorld } from './task-api-world.ts';

interface Line {
  readonly ch: string;
  readonly type?: string;
  readonly method?: string;
  readonly url?: string;
  readonly status?: number;
  readonly contentType?: string;
  readonly body?: unknown;
  readonly message?: { readonly tasks: readonly unknown[] };
}

const LINES: readonly Line[] = readFileSync(new URL('../../golden/13-tmds.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const ANSWERS = LINES.filter(({ ch }) => ch === 'tmds');
/** The endpoint id of container `main` in the recording. */
const RECORDED_ID = '30a66bec-32a6-40f1-b94a-679554103a0a';
const HOST: EndpointScope = { kind: 'host' };

/**
 * What may differ from the recorded answers: our own volumes are not shown yet, and the health of a container
 * that has stopped is the last that was known, where Docker says UNHEALTHY.
 */
const NOT_COMPARED = new Set(['Volumes', 'Health', 'PullStartedAt', 'PullStoppedAt']);

function recordedTask(): TaskSpec {
  const payload = LINES.find(({ type }) => type === 'PayloadMessage')?.message?.tasks[0];
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

/** The task as it was when it was asked: `main` runs, `two` has ended with 4; afterwards it is stopped. */
function recordedState(spec: TaskSpec, stopped: boolean): TaskState {
  const finishedAt = Date.parse('2026-11-22T20:50:43.180Z');
  const desired = stopped ? 'STOPPED' : 'RUNNING';
  return {
    ...sampleTask('recorded'),
    spec,
    desired,
    known: desired,
    ...(stopped && { executionStoppedAt: Date.parse('2026-11-22T20:50:46.583Z') }),
    containers: [
      containerState('main', {
        desired,
        addresses: { ipv4: '172.30.0.3' },
        portBindings: ['0.0.0.0', '::'].map((bindIp) => ({
          bindIp,
          containerPort: 80,
          hostPort: 28_080,
          protocol: 'tcp' as const,
        })),
        ...(stopped && { known: 'STOPPED', exitCode: 0, finishedAt }),
      }),
      containerState('two', { desired, known: 'STOPPED', exitCode: 4, finishedAt, remains: 'released' }),
    ],
  };
}

describe('the recorded answers of the Amazon ECS agent', () => {
  const spec = recordedTask();
  const main = containerIdOf(spec.arn, 'main', 0);
  const two = containerIdOf(spec.arn, 'two', 0);
  const sample = ANSWERS.find(({ url }) => url?.endsWith(`/v3/${RECORDED_ID}/stats`))?.body as object;

  const open = (stopped: boolean) =>
    new TaskApiWorld({
      tasks: [recordedState(spec, stopped)],
      // As it was recorded.
      allFromHost: true,
      instance: {
        cluster: 'peer',
        availabilityZone: 'us-west-2a',
        availabilityZoneId: 'usw2-az1',
        vpcId: 'vpc-0123456789abcdef0',
      },
      statistics: {
        latest: ({ state }) => (state.known === 'STOPPED' ? 'unwatched' : { ...sample, name: '-', id: main }),
        networkRates: () => ({ rx_bytes_per_sec: 0, tx_bytes_per_sec: 0 }),
      },
      readTags: async () => ({
        taskTags: { team: 'x' },
        containerInstanceTags: { team: 'x' },
        errors: [],
      }),
    });

  // The first was asked before there was a sample, the last two after the stop.
  const asked = ANSWERS.slice(1).map((line, index, all) => ({
    line,
    path: new URL(line.url ?? '').pathname,
    stopped: index >= all.length - 2,
  }));

  it.each(
    asked.map(
      ({ line, path, stopped }) =>
        [`${path}${stopped ? ' after the stop' : ''}`, line, path, stopped] as const,
    ),
  )('are ours for %s (TMDS-4)', async (_name, line, path, stopped) => {
    await using api = open(stopped);
    const id = api.ids.idOf(spec, 'main');
    const reply = await api.request(HOST, path.replace(RECORDED_ID, id));
    expect([reply.status, reply.headers['content-type']]).toEqual([line.status, line.contentType]);
    const names = new Map([
      ['8f04b461c54c9763dd11b6999ac956e7fcef837552a28e6d910d6da2597c5fd7', main],
      ['dc611d4f5963723e3d89a6878726644abd341f65cba1bc7e8918b30690eff521', two],
      ['ecs-fam-1-main-f4d0e3fda5ebaddd4700', containerDisplayName('fam', '1', 'main', main)],
      ['ecs-fam-1-two-d8c9daa3d694e8963900', containerDisplayName('fam', '1', 'two', two)],
      [RECORDED_ID, id],
    ]);
    let theirs = JSON.stringify(line.body);
    for (const [from, to] of names) theirs = theirs.replaceAll(from, to);
    expect(comparable(reply.json ?? reply.body)).toEqual(comparable(JSON.parse(theirs)));
    expect(keysInOrder(reply.json)).toEqual(keysInOrder(JSON.parse(theirs)));
  });
});

/** Without what may differ, times as a mark, containers in the order of their names. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable).toSorted(byName);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !NOT_COMPARED.has(key))
        .map(([key, member]) => [
          key,
          key.endsWith('At') ? 'time' : key === 'name' ? '-' : comparable(member),
        ]),
    );
  return value;
}

/** Keys of an object and of its first container's, as they are written. */
function keysInOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const entries = Object.entries(value).filter(([key]) => !NOT_COMPARED.has(key));
  const containers = entries.find(([key]) => key === 'Containers')?.[1];
  const first = Array.isArray(containers) ? [...containers].sort(byName)[0] : {};
  return [entries.map(([key]) => key), Object.keys(first ?? {}).filter((key) => !NOT_COMPARED.has(key))];
}

function byName(a: unknown, b: unknown): number {
  const nameOf = (one: unknown) =>
    typeof one === 'object' && one !== null && 'Name' in one ? String(one.Name) : '';
  return nameOf(a).localeCompare(nameOf(b));
}
