import { existsSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CloudWatchDouble } from '../../support/cloudwatch-logs.ts';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage } from './log-stage.ts';

let stage: LogStage;
let cloud: CloudWatchDouble;
beforeAll(async () => {
  stage = await LogStage.open();
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
});
beforeEach(async () => {
  cloud = await CloudWatchDouble.start();
  cloud.groups.set('group', new Set());
});
afterEach(async () => {
  expect(cloud.violations).toEqual([]);
  await cloud[Symbol.asyncDispose]();
});

let count = 0;
/** A container of its own name for each test. */
const open = async (options: Readonly<Record<string, string>> = {}, name = `aws-${++count}`) =>
  await stage.prepare(
    name,
    {
      'awslogs-group': 'group',
      'awslogs-stream': name,
      'awslogs-endpoint': cloud.url,
      'awslogs-force-flush-interval-seconds': '1',
      ...options,
    },
    { driver: 'awslogs' },
  );
const operations = () => cloud.calls.map(({ operation }) => operation);

describe('group and stream', () => {
  test('are made in the order stream, group, stream (LOG-57)', async () => {
    const { id } = await open({ 'awslogs-group': 'new', 'awslogs-create-group': 'true' });
    expect(operations()).toEqual(['CreateLogStream', 'CreateLogGroup', 'CreateLogStream']);
    await stage.finish(id);
  });

  test('that are there already are fine (LOG-141)', async () => {
    cloud.groups.get('group')?.add('there');
    const fifos = await open({ 'awslogs-stream': 'there' });
    await stage.run(fifos, 'echo x');
    await stage.finish(fifos.id);
    expect(cloud.messages('there')).toEqual(['x']);
  });

  test('are left alone with create-stream=false (LOG-142)', async () => {
    const { id } = await open({ 'awslogs-create-stream': 'false', 'awslogs-create-group': 'true' });
    expect(operations()).toEqual([]);
    await stage.finish(id);
  });

  test('that cannot be made fail the start of a blocking container (LOG-58)', async () => {
    await expect(open({ 'awslogs-group': 'missing' })).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message:
        'failed to initialize logging driver: failed to create Cloudwatch log stream: ResourceNotFoundException: ResourceNotFoundException here',
    });
  });

  test('are tried again while a non-blocking container runs (LOG-59)', async () => {
    let refusals = 2;
    cloud.fault = () =>
      refusals-- > 0 ? { kind: 'error', status: 403, code: 'AccessDeniedException' } : undefined;
    const fifos = await open({ mode: 'non-blocking' });
    await stage.run(fifos, 'echo kept');
    await stage.finish(fifos.id);
    await until(() => cloud.messages().length === 1, { what: 'the line is delivered' });
    expect(operations()).toEqual(['CreateLogStream', 'CreateLogStream', 'CreateLogStream', 'PutLogEvents']);
  });

  test('have the stream of the tag, or else the container id (LOG-56)', async () => {
    const tagged = await open({ 'awslogs-stream': '', tag: '{{.Name}}-x' }, 'tagged');
    const plain = await open({ 'awslogs-stream': '' }, 'plain');
    expect([...(cloud.groups.get('group') ?? [])]).toEqual(['ecs-web-3-tagged-x', plain.id]);
    await stage.finish(tagged.id);
    await stage.finish(plain.id);
  });
});

describe('events', () => {
  test('are the lines in order, without empty ones, the last one too (LOG-65, LOG-72)', async () => {
    const fifos = await open();
    await stage.run(fifos, 'echo 1; echo; echo 2; printf 3');
    await stage.finish(fifos.id);
    expect(cloud.messages()).toEqual(['1', '2', '3']);
    expect(cloud.puts).toHaveLength(1);
    expect(cloud.calls.at(-1)?.headers['user-agent']).toBe('test-agent/1.0');
  });

  test('go out after the interval, and no call is made without any (LOG-64, LOG-148)', async () => {
    const fifos = await open();
    const writer = stage.write(fifos, 'echo early; exec busybox sleep 100');
    await until(() => cloud.puts.length === 1, { what: 'the line is sent' });
    const start = performance.now();
    await until(() => performance.now() - start > 1_200, { what: 'more than an interval passes' });
    expect(operations()).toEqual(['CreateLogStream', 'PutLogEvents']);
    writer.kill('SIGKILL');
    await stage.finish(fifos.id);
  });

  test('come in batches that the service takes, and all of them come (LOG-60, LOG-144)', async () => {
    const fifos = await open();
    await stage.run(fifos, 'busybox seq 1 200000');
    await stage.finish(fifos.id);
    await until(() => cloud.messages().length >= 200_000, { what: 'all lines are delivered' });
    expect(firstWrongNumber(`${cloud.messages().join('\n')}\n`, 200_000)).toBeUndefined();
    expect(cloud.puts.length).toBeLessThan(60);
  });

  test('of long lines are cut between characters, at 262118 bytes (LOG-145, LOG-61)', async () => {
    const fifos = await open();
    const file = stage.scratch.path('long.txt');
    writeFileSync(file, `${'aä€😀'.repeat(100_000)}\n`);
    await stage.run(fifos, `busybox cat '${file}'`);
    await stage.finish(fifos.id);
    await until(() => cloud.messages().join('').length === 500_000, { what: 'the line is delivered' });
    expect(cloud.messages().join('')).toBe('aä€😀'.repeat(100_000));
    expect(cloud.messages().every((text) => text.isWellFormed() && !text.includes('\ufffd'))).toBe(true);
    expect(new Set(cloud.puts.flatMap(({ events }) => events.map(({ timestamp }) => timestamp))).size).toBe(
      1,
    );
  });

  test('of invalid bytes count three each (LOG-146)', async () => {
    const fifos = await open();
    await stage.run(
      fifos,
      "busybox dd if=/dev/zero bs=200000 count=1 2>/dev/null | busybox tr '\\0' '\\377'; echo",
    );
    await stage.finish(fifos.id);
    await until(() => cloud.messages().join('').length === 200_000, { what: 'the line is delivered' });
    expect(cloud.messages().map(({ length }) => length)).toEqual([87_372, 87_372, 25_256]);
  });
});

describe('multi-line events', () => {
  test('begin at a match, keep empty lines, have the time of the first line (LOG-66, LOG-149, LOG-150)', async () => {
    const fifos = await open({ 'awslogs-multiline-pattern': '^START' });
    await stage.run(
      fifos,
      'echo before; echo START 1; echo; echo more; busybox sleep 0.1; echo START 2; echo end',
    );
    await stage.finish(fifos.id);
    expect(cloud.messages()).toEqual(['before\n', 'START 1\n\nmore\n', 'START 2\nend\n']);
  });

  test('wait two intervals at most (LOG-151)', async () => {
    const fifos = await open({ 'awslogs-datetime-format': '%Y-%m-%d' });
    const writer = stage.write(fifos, 'echo 2026-01-02 a; echo b; exec busybox sleep 100');
    const start = performance.now();
    await until(() => cloud.puts.length === 1, { what: 'the event is sent' });
    expect(performance.now() - start).toBeLessThan(2_500);
    expect(cloud.messages()).toEqual(['2026-01-02 a\nb\n']);
    writer.kill('SIGKILL');
    await stage.finish(fifos.id);
  });

  test('are sent at the end of the container (LOG-159)', async () => {
    const fifos = await open({
      'awslogs-multiline-pattern': '^x',
      'awslogs-force-flush-interval-seconds': '60',
    });
    await stage.run(fifos, 'echo x; echo y; printf z');
    await stage.finish(fifos.id);
    expect(cloud.messages()).toEqual(['x\ny\nz']);
  });

  test('come once each and whole when the service is killed between them', async () => {
    const fifos = await open({ 'awslogs-multiline-pattern': '^x' });
    const writer = stage.write(
      fifos,
      'echo x1; echo a; busybox sleep 0.5; echo b; echo x2; exec busybox sleep 100',
    );
    await until(
      async () => (await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.bytesRead === 5,
      {
        what: 'the first lines are read',
      },
    );
    await stage.killService();
    await until(() => cloud.messages().length >= 2, { what: 'both are sent' });
    expect(cloud.messages()).toEqual(['x1\na\nb\n', 'x2\n']);
    writer.kill('SIGKILL');
    await stage.finish(fifos.id);
  });
});

describe('a service that refuses', () => {
  const errors = [
    [400, 'ThrottlingException'],
    [429, 'TooManyRequestsException'],
    [503, 'ServiceUnavailableException'],
    [400, 'ExpiredTokenException'],
  ] as const;
  test.each(errors)('with %i %s is asked again, and nothing is lost (LOG-156)', async (status, code) => {
    const fifos = await open();
    let refusals = 1;
    cloud.fault = () => (refusals-- > 0 ? { kind: 'error', status, code } : undefined);
    await stage.run(fifos, 'busybox seq 1 1000');
    await stage.finish(fifos.id);
    await until(() => cloud.messages().length >= 1000, { what: 'all is delivered' });
    expect(firstWrongNumber(`${cloud.messages().join('\n')}\n`, 1000)).toBeUndefined();
  });

  test('has accepted the data already: that is success (LOG-69)', async () => {
    const fifos = await open();
    cloud.fault = (operation) =>
      operation === 'PutLogEvents'
        ? { kind: 'error', status: 400, code: 'DataAlreadyAcceptedException', accept: true }
        : undefined;
    await stage.run(fifos, 'echo 1');
    await stage.finish(fifos.id);
    expect(cloud.messages()).toEqual(['1']);
    expect(operations().filter((name) => name === 'PutLogEvents')).toHaveLength(1);
  });

  test('a batch for good has it dropped and counted (LOG-157)', async () => {
    const fifos = await open();
    let refusals = 1;
    cloud.fault = () =>
      refusals-- > 0 ? { kind: 'error', status: 400, code: 'InvalidParameterException' } : undefined;
    await stage.run(fifos, 'busybox seq 1 7');
    await stage.finish(fifos.id);
    expect(cloud.messages()).toEqual([]);
    expect((await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.dropped.rejected.lines).toBe(7);
  });

  test('some events only has them counted (LOG-71)', async () => {
    const fifos = await open();
    cloud.rejected = { tooOldLogEventEndIndex: 3, tooNewLogEventStartIndex: 9 };
    await stage.run(fifos, 'busybox seq 1 10');
    await stage.finish(fifos.id);
    expect((await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.dropped.rejected.lines).toBe(4);
  });

  test('because the group is gone gets it made again, if allowed (LOG-70)', async () => {
    const fifos = await open({ 'awslogs-create-group': 'true' });
    cloud.groups.clear();
    await stage.run(fifos, 'echo 1');
    await stage.finish(fifos.id);
    await until(() => cloud.messages().length === 1, { what: 'the line is delivered' });
  });

  test('because the group is gone and may not be made gets nothing until it is back (LOG-158, LOG-78)', async () => {
    const fifos = await open();
    const streams = cloud.groups.get('group') ?? new Set();
    cloud.groups.clear();
    await stage.run(fifos, 'echo 1');
    const start = performance.now();
    await stage.finish(fifos.id);
    expect(performance.now() - start).toBeLessThan(4_000);
    expect(
      stage.warnings.some(({ message }) => message === 'a container log cannot be delivered for now'),
    ).toBe(true);
    // Not even the removal of the container loses it.
    await stage.logs.remove(fifos.id, { signal: stage.signal });
    expect(await stage.logs.list({ signal: stage.signal })).not.toContain(fifos.id);
    expect(cloud.messages()).toEqual([]);
    cloud.groups.set('group', streams);
    await until(() => cloud.messages().length === 1, { what: 'the line is delivered' });
  });
});

test('what a restarted agent does not know is sent and removed (LOG-94)', async () => {
  const fifos = await open({ 'awslogs-force-flush-interval-seconds': '60' });
  await stage.run(fifos, 'echo left over');
  await stage.disconnect();
  await stage.connect();
  await stage.logs.remove(fifos.id, { signal: stage.signal });
  await until(() => cloud.messages().length === 1, { what: 'the line is sent' });
  await until(() => !existsSync(stage.paths(fifos.id).directory), { what: 'nothing is left' });
  expect(existsSync(fifos.stdout)).toBe(false);
});

describe('credentials', () => {
  const role = { accessKeyId: 'ASIAROLE', secretAccessKey: 'of the role', sessionToken: 'token' };

  test('of the execution role sign when the option names them (LOG-73)', async () => {
    const asked: string[] = [];
    await using own = await LogStage.open({
      credentialsOf: async (id) => {
        asked.push(id);
        return role;
      },
    });
    cloud.keys = role;
    const options = {
      'awslogs-group': 'group',
      'awslogs-endpoint': cloud.url,
      'awslogs-credentials-endpoint': '/v2/credentials/id-7',
    };
    const fifos = await own.prepare('role', options, { driver: 'awslogs' });
    await own.run(fifos, 'echo x');
    await own.finish(fifos.id);
    expect(cloud.messages()).toEqual(['x']);
    expect(new Set(asked)).toEqual(new Set(['id-7']));
  });

  test('serve while the agent is away, until they end; then lines wait for it (LOG-13, LOG-14, LOG-93)', async () => {
    let expiresAt = Date.now() + 5_000;
    await using own = await LogStage.open({ credentialsOf: async () => ({ ...role, expiresAt }) });
    cloud.keys = role;
    const options = {
      'awslogs-group': 'group',
      'awslogs-endpoint': cloud.url,
      'awslogs-force-flush-interval-seconds': '1',
    };
    const fifos = await own.prepare('away', options, { driver: 'awslogs' });
    const writer = own.write(fifos, 'i=0; while :; do i=$((i+1)); echo $i; busybox usleep 50000; done');
    await until(() => cloud.puts.length > 0, { what: 'the first lines arrive' });
    await own.disconnect();
    const before = cloud.puts.length;
    await until(() => cloud.puts.length > before, { what: 'more arrive without an agent' });
    await until(() => Date.now() > expiresAt + 1_500, { what: 'the credentials have ended' });
    const ended = cloud.puts.length;
    await until(() => Date.now() > expiresAt + 3_500, { what: 'two more intervals have passed' });
    expect(cloud.puts.length).toBe(ended);
    expiresAt = Date.now() + 3_600_000;
    await own.connect();
    await until(() => cloud.puts.length > ended, { what: 'lines arrive again' });
    writer.kill('SIGKILL');
    await own.finish(fifos.id);
    expect(cloud.messages()).toEqual(cloud.messages().map((_, index) => String(index + 1)));
  });
});
