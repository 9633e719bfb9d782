import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { steadyNow } from '../../../src/async/clock.ts';
import type { SubmitTaskStateChangeRequest } from '../../../src/ecs/ecs-api.ts';
import { submitBody } from '../../../src/ecs/report-body.ts';
import { taskArn } from '../../../src/task/ids.ts';
import type { ContainerReport, StateReport } from '../../../src/task/report.ts';

const report = (changes: Partial<StateReport> = {}): StateReport => ({
  task: taskArn('arn:aws:ecs:us-west-2:123456789012:task/default/t1'),
  status: 'RUNNING',
  reason: '',
  containers: [],
  ...changes,
});
const container = (changes: Partial<ContainerReport> = {}): ContainerReport => ({
  containerName: 'app',
  status: 'RUNNING',
  ...changes,
});
const firstContainer = (change: ContainerReport) =>
  submitBody(report({ containers: [change] }), 'default').containers?.[0];

test('has the reason in every report, empty as well (ECS-35, OBS-11)', () => {
  for (const status of ['PENDING', 'RUNNING', 'STOPPED'] as const) {
    expect(submitBody(report({ status }), 'default').reason).toBe('');
    expect(submitBody(report({ status, reason: 'x' }), 'default').reason).toBe('x');
  }
});

test('leaves out what is not known', () => {
  expect(submitBody(report(), 'c')).toEqual({
    cluster: 'c',
    task: 'arn:aws:ecs:us-west-2:123456789012:task/default/t1',
    status: 'RUNNING',
    reason: '',
  });
  expect(firstContainer(container())).toEqual({ containerName: 'app', status: 'RUNNING' });
});

test('lists a container twice when it ran and ended since the last report (ECS-101, OBS-07)', () => {
  const containers = [container(), container({ status: 'STOPPED', exitCode: 0 })];
  expect(submitBody(report({ containers }), 'c').containers).toEqual([
    { containerName: 'app', status: 'RUNNING' },
    { containerName: 'app', status: 'STOPPED', exitCode: 0 },
  ]);
});

test.each([
  [1_767_225_601_200, '1767225601.2'],
  [1_767_225_601_000, '1767225601'],
  [1_795_380_402_675, '1795380402.675'],
  [1_767_225_601_001, '1767225601.001'],
  [1_767_225_601_234.567, '1767225601.235'],
])(
  'writes the time %d ms as %s seconds, at most three decimals and none on a whole second (OBS-14)',
  (ms, text) => {
    const body = submitBody(report({ pullStartedAt: ms, pullStoppedAt: ms, executionStoppedAt: ms }), 'c');
    expect(JSON.stringify(body).match(/"(pull|execution)\w+At":[\d.]+/g)).toEqual([
      `"executionStoppedAt":${text}`,
      `"pullStartedAt":${text}`,
      `"pullStoppedAt":${text}`,
    ]);
  },
);

describe('cuts by bytes, never through a character:', () => {
  const cases: readonly [what: string, text: string, limit: number, kept: string][] = [
    ['plain text', 'a'.repeat(2_000), 1024, 'a'.repeat(1024)],
    ['just what fits', 'a'.repeat(1024), 1024, 'a'.repeat(1024)],
    ['two-byte characters', `a${'é'.repeat(600)}`, 1024, `a${'é'.repeat(511)}`],
    ['four-byte characters', `abc${'😀'.repeat(300)}`, 1024, `abc${'😀'.repeat(255)}`],
  ];
  test.each(cases)('reasons of task and container, %s (ECS-36)', (_, text, limit, kept) => {
    const body = submitBody(report({ reason: text, containers: [container({ reason: text })] }), 'c');
    expect(body.reason).toBe(kept);
    expect(body.containers?.[0]?.reason).toBe(kept);
    expect(Buffer.byteLength(body.reason)).toBeLessThanOrEqual(limit);
  });

  test('runtime id and image digest, at 255 (ECS-85)', () => {
    const long = 'd'.repeat(300);
    expect(firstContainer(container({ runtimeId: long, imageDigest: long }))).toMatchObject({
      runtimeId: 'd'.repeat(255),
      imageDigest: 'd'.repeat(255),
    });
    expect(firstContainer(container({ imageDigest: `${'d'.repeat(254)}é` }))?.imageDigest).toBe(
      'd'.repeat(254),
    );
  });
});

describe('recorded traffic', () => {
  const line = z.looseObject({ op: z.string().optional(), dir: z.string(), body: z.unknown().optional() });
  const recorded = z.object({
    cluster: z.string(),
    task: z.string(),
    status: z.enum(['PENDING', 'RUNNING', 'STOPPED']),
    reason: z.string(),
    containers: z
      .array(
        z.strictObject({
          containerName: z.string(),
          status: z.enum(['PENDING', 'RUNNING', 'STOPPED']),
          runtimeId: z.exactOptional(z.string()),
          imageDigest: z.exactOptional(z.string()),
          exitCode: z.exactOptional(z.int()),
          reason: z.exactOptional(z.string()),
        }),
      )
      .default([]),
    pullStartedAt: z.exactOptional(z.number()),
    pullStoppedAt: z.exactOptional(z.number()),
    executionStoppedAt: z.exactOptional(z.number()),
  });

  /** Bodies of all state changes in the file, as they went over the wire. */
  function submitted(file: string): unknown[] {
    return readFileSync(new URL(`../../golden/${file}`, import.meta.url), 'utf8')
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => line.parse(JSON.parse(text)))
      .filter(({ op, dir }) => op === 'SubmitTaskStateChange' && dir === 'in')
      .map(({ body }) => body);
  }

  function reportOf(body: unknown): { report: StateReport; cluster: string } {
    const { cluster, task, pullStartedAt, pullStoppedAt, executionStoppedAt, ...rest } = recorded.parse(body);
    return {
      cluster,
      report: {
        ...rest,
        task: taskArn(task),
        ...(pullStartedAt !== undefined && { pullStartedAt: pullStartedAt * 1000 }),
        ...(pullStoppedAt !== undefined && { pullStoppedAt: pullStoppedAt * 1000 }),
        ...(executionStoppedAt !== undefined && { executionStoppedAt: executionStoppedAt * 1000 }),
      },
    };
  }

  test.each(['02-run-exit0', '03-stop', '05-depends-on', '09-limits', '11-volumes'])(
    'of %s is what such reports are sent as, to the letter',
    (file) => {
      const bodies = submitted(`${file}.jsonl`);
      expect(bodies.length).toBeGreaterThan(5);
      for (const body of bodies) {
        const { report: read, cluster } = reportOf(body);
        const ours: SubmitTaskStateChangeRequest = submitBody(read, cluster);
        expect(JSON.stringify(ours)).toBe(JSON.stringify(body));
      }
    },
  );
});

test('tells times by the clock as it is set now, however often it was set since they were noted', () => {
  const noted = steadyNow();
  vi.useFakeTimers({ toFake: ['Date'], now: noted + 3_600_000 });
  try {
    const body = submitBody(report({ pullStartedAt: noted }), 'default');
    expect(Math.abs((body.pullStartedAt ?? 0) * 1000 - noted - 3_600_000)).toBeLessThan(1_000);
  } finally {
    vi.useRealTimers();
  }
});
