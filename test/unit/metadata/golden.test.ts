import { describe, expect, it } from 'vitest';
import { AGENT_HASH, AGENT_NAME, AGENT_VERSION } from '../../../src/agent-version.ts';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { type ContainerId, containerDisplayName, containerIdOf } from '../../../src/task/ids.ts';
import { expectDocument } from '../../support/kept-document.ts';
import { endpointsDocument, INTENDED } from './golden-endpoint-differences.ts';
import { statisticsAsRecorded } from './golden-statistics.ts';
import { askIntrospection, introspectionSources } from './introspection-world.ts';
import { type RecordedLine, recordedLines, recordedState, recordedTask } from './recorded-endpoints.ts';
import { TaskApiWorld } from './task-api-world.ts';

const HOST: EndpointScope = { kind: 'host' };

/** A recorded body with our names of the same things, and changed where this agent is meant to differ. */
function expected(line: RecordedLine, names: ReadonlyMap<string, string>): unknown {
  let text = JSON.stringify(line.body);
  for (const [from, to] of names) text = text.replaceAll(from, to);
  return JSON.parse(text);
}

const display = (name: string, id: ContainerId) => containerDisplayName('fam', '1', name, id);

describe('the recorded answers of the Amazon ECS agent to tasks', () => {
  const lines = recordedLines('13-tmds');
  const answers = lines.filter(({ ch }) => ch === 'tmds');
  /** The endpoint id of container `main` in the recording. */
  const recordedId = '30a66bec-32a6-40f1-b94a-679554103a0a';
  const spec = recordedTask(lines);
  const main = containerIdOf(spec.arn, 'main', 0);
  const two = containerIdOf(spec.arn, 'two', 0);
  const sample = answers.find(({ url }) => url?.endsWith(`/v3/${recordedId}/stats`))?.body as object;

  const open = (stopped: boolean) =>
    new TaskApiWorld({
      tasks: [recordedState(spec, stopped, 28_080)],
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
  const asked = answers.slice(1).map((line, index, all) => ({
    line,
    path: new URL(line.url ?? '').pathname,
    stopped: index >= all.length - 2,
  }));

  it.each(
    asked.map(
      ({ line, path, stopped }) =>
        [`${path}${stopped ? ' after the stop' : ''}`, line, path, stopped] as const,
    ),
  )('are ours for %s (TMDS-4, OBS-104)', async (_name, line, path, stopped) => {
    await using api = open(stopped);
    const id = api.ids.idOf(spec, 'main');
    const reply = await api.request(HOST, path.replace(recordedId, id));
    expect([reply.status, reply.headers['content-type']]).toEqual([line.status, line.contentType]);
    const names = new Map<string, string>([
      ['8f04b461c54c9763dd11b6999ac956e7fcef837552a28e6d910d6da2597c5fd7', main],
      ['dc611d4f5963723e3d89a6878726644abd341f65cba1bc7e8918b30690eff521', two],
      ['ecs-fam-1-main-f4d0e3fda5ebaddd4700', display('main', main)],
      ['ecs-fam-1-two-d8c9daa3d694e8963900', display('two', two)],
      [recordedId, id],
    ]);
    const theirs = expected(line, names);
    expect(comparable(reply.json ?? reply.body)).toEqual(comparable(theirs));
    expect(keysInOrder(reply.json)).toEqual(keysInOrder(theirs));
  });

  it('have in statistics what ours make of the same files, in the same order (TMDS-40, TMDS-113)', async () => {
    const ours = await statisticsAsRecorded(sample);
    const inMs = JSON.stringify(sample).replace(/(\.\d{3})\d*Z"/g, '$1Z"');
    expect(JSON.stringify(ours)).toEqual(inMs);
    expect(ours).toMatchObject({ num_procs: 0, storage_stats: {} });
  });
});

describe('the recorded answers of the Amazon ECS agent to introspection', () => {
  const lines = recordedLines('14-introspection');
  const answers = lines.filter(({ ch }) => ch === 'introspection');
  const spec = recordedTask(lines);
  const id = containerIdOf(spec.arn, 'main', 0);
  const theirId = '1020c4b43434121f34e552b1609f65d64c4b48e06c662d3697c89ddf1a33cc58';
  const asked = answers.map((line, index) => ({
    line,
    // The last was asked after the stop.
    stopped: index === answers.length - 1,
    target: line.url?.replace(/^http:\/\/[^/]+/, '') ?? '',
  }));

  it.each(asked.map(({ line, stopped, target }) => [target, line, stopped] as const))(
    'are ours for %s (TMDS-137, OBS-114, OBS-116)',
    async (target, line, stopped) => {
      const ours = target.replace(theirId, id).replace(theirId.slice(0, 12), id.slice(0, 12));
      const sources = introspectionSources([recordedState(spec, stopped, 32_768)], {
        version: `${AGENT_NAME} - v${AGENT_VERSION} (${AGENT_HASH})`,
        cluster: 'peer',
        containerInstanceArn:
          'arn:aws:ecs:us-west-2:123456789012:container-instance/peer/7c75c15c6caca585a3eb629f2346ac6b',
      });
      const answer = await askIntrospection(sources, ours);
      const names = new Map<string, string>([
        [theirId, id],
        ['ecs-fam-1-main-96f3e8a0a2d5b3be2c00', display('main', id)],
      ]);
      const difference = INTENDED.find((one) => one.path === target);
      const theirs = {
        status: line.status,
        contentType: line.contentType,
        body: line.body === '' ? '' : expected(line, names),
      };
      const wanted = difference === undefined ? theirs : difference.expected(theirs);
      expect([answer.status, answer.contentType, comparable(answer.body)]).toEqual([
        wanted.status,
        wanted.contentType,
        comparable(wanted.body),
      ]);
      expect(keysInOrder(answer.body)).toEqual(keysInOrder(wanted.body));
    },
  );

  it('differ where docs/golden-endpoints.md says', () => {
    expectDocument('golden-endpoints.md', endpointsDocument());
  });
});

/** Without what may differ, times as a mark, containers in the order of their names. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(comparable).toSorted(byName);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        key.endsWith('At') || key === 'statusSince'
          ? form(member)
          : key === 'name'
            ? '-'
            : comparable(member),
      ]),
    );
  return value;
}

/** A time in UTC by RFC 3339 as a mark; whatever else stands there as it is. */
function form(value: unknown): unknown {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(String(value)) ? 'time' : value;
}

/** Keys of an object and of its first container's, as they are written. */
function keysInOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  const entries = Object.entries(value);
  const containers = entries.find(([key]) => key === 'Containers')?.[1];
  const first = Array.isArray(containers) ? [...containers].sort(byName)[0] : {};
  return [entries.map(([key]) => key), Object.keys(first ?? {})];
}

function byName(a: unknown, b: unknown): number {
  const nameOf = (one: unknown) =>
    typeof one === 'object' && one !== null && 'Name' in one ? String(one.Name) : '';
  return nameOf(a).localeCompare(nameOf(b));
}
