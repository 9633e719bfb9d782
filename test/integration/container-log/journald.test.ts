import { afterAll, beforeAll, expect, test } from 'vitest';
import { Journald } from '../../support/journald.ts';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';

let journald: Journald;
let stage: LogStage;
beforeAll(async () => {
  journald = await Journald.start();
  stage = await LogStage.open({
    nodePath: () => journald.nodePath,
  });
}, 40_000);
afterAll(async () => {
  await stage?.[Symbol.asyncDispose]();
  await journald?.[Symbol.asyncDispose]();
});

const open = async (name: string, options: Readonly<Record<string, string>> = {}) =>
  await stage.prepare(name, options, { driver: 'journald', labels: { 'com.example/team': 'a', _x: 'b' } });

test('entries have the fields of the container, and attributes by names that journald takes (LOG-44, LOG-121)', async () => {
  const fifos = await open('fields', { labels: 'com.example/team,_x' });
  await stage.run(fifos, 'echo out; echo; echo err >&2');
  await stage.finish(fifos.id);
  const entries = await until(() => journald.entries(fifos.id).length === 3 && journald.entries(fifos.id), {
    what: 'all are there',
  });
  const err = entries.find(({ MESSAGE }) => MESSAGE === 'err');
  expect(err).toMatchObject({
    PRIORITY: '3',
    CONTAINER_ID: fifos.id.slice(0, 12),
    CONTAINER_ID_FULL: fifos.id,
    CONTAINER_NAME: 'ecs-web-3-fields',
    CONTAINER_TAG: fifos.id.slice(0, 12),
    SYSLOG_IDENTIFIER: fifos.id.slice(0, 12),
    IMAGE_NAME: 'busybox:1',
    COM_EXAMPLE_TEAM: 'a',
    X: 'b',
    SYSLOG_TIMESTAMP: expect.stringMatching(/^\d{4}-.*Z$/),
    CONTAINER_LOG_EPOCH: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(entries.find(({ MESSAGE }) => MESSAGE === 'out')?.PRIORITY).toBe('6');
  expect(entries.map(({ CONTAINER_LOG_ORDINAL }) => CONTAINER_LOG_ORDINAL)).toEqual(['1', '2', '3']);
});

test('parts of a line say so, but for the last (LOG-123)', async () => {
  const fifos = await open('parts');
  await stage.run(fifos, "busybox dd if=/dev/zero bs=20000 count=1 2>/dev/null | busybox tr '\\0' x; echo");
  await stage.finish(fifos.id);
  const entries = await until(() => journald.entries(fifos.id).length === 2 && journald.entries(fifos.id), {
    what: 'both are there',
  });
  expect(
    entries.map((entry) => [
      entry.CONTAINER_PARTIAL_MESSAGE,
      entry.CONTAINER_PARTIAL_ORDINAL,
      entry.CONTAINER_PARTIAL_LAST,
    ]),
  ).toEqual([
    ['true', '1', 'false'],
    [undefined, '2', 'true'],
  ]);
});

test('values with line feeds keep them (LOG-122)', async () => {
  const fifos = await stage.prepare(
    'line-feeds',
    { env: 'TEXT' },
    { driver: 'journald', environment: { TEXT: 'two\nlines' } },
  );
  await stage.run(fifos, 'echo x');
  await stage.finish(fifos.id);
  const [entry] = await until(() => journald.entries(fifos.id).length === 1 && journald.entries(fifos.id), {
    what: 'it is there',
  });
  expect(entry?.TEXT).toBe('two\nlines');
});

test('an entry that is too large for a datagram comes by a file', async () => {
  const fifos = await stage.prepare(
    'large',
    { env: 'LARGE' },
    { driver: 'journald', environment: { LARGE: 'y'.repeat(500_000) } },
  );
  await stage.run(fifos, 'echo x');
  await stage.finish(fifos.id);
  const [entry] = await until(() => journald.entries(fifos.id).length === 1 && journald.entries(fifos.id), {
    what: 'it is there',
  });
  expect(String(entry?.LARGE)).toHaveLength(500_000);
});
