import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readLogs } from '../../../src/container-log/read-logs.ts';
import { isFullRun } from '../../support/sample.ts';
import type { Scratch } from '../../support/scratch.ts';
import { endOf, firstWrongNumber, LogStage } from './log-stage.ts';
import { seededRandom, testSeed } from './random.ts';

/*
 * Death at a chosen system call, where a timer would rarely hit: between header and bytes, between the log and
 * its position, in the middle of a rotation. strace sends the SIGKILL as the call is entered.
 */

const seed = testSeed();
/** How often the calls are made in a run of this scenario, roughly. */
const CALLS = {
  splice: 100,
  pwrite64: 250,
  write: 120,
  rename: 60,
  unlink: 15,
  openat: 60,
  close: 60,
} as const;
const BLOCKS = 60;

let runs = 0;
let deaths = 0;
beforeAll(async () => {
  // The first start of all fills Node's cache, which is no part of the scenario.
  await using stage = await LogStage.open();
  await stage.logs.list({ signal: stage.signal });
});
afterAll(() => {
  // A case that comes too late proves nothing; most must not.
  expect(deaths).toBeGreaterThan(runs / 2);
});

function cases(): (readonly [call: string, nth: number, compress: boolean])[] {
  const random = seededRandom(seed);
  const rounds = isFullRun() ? 10 : 2;
  return Array.from({ length: rounds }, () => Object.entries(CALLS))
    .flat()
    .map(([call, count]) => [call, 1 + Math.floor(random() * count), random() < 0.5] as const);
}

/** A Node that dies at the nth such call of a thread, once; `died` is there then. */
function mortalNode(scratch: Scratch, call: string, nth: number): string {
  const path = scratch.path('mortal-node');
  const tried = scratch.path('tried');
  const died = scratch.path('died');
  const strace = `strace -f -qqq -o /dev/null -e trace=${call} -e signal=none -e inject=${call}:signal=SIGKILL:when=${nth}`;
  const lines = [
    '#!/bin/sh',
    `[ -e '${tried}' ] && exec '${process.execPath}' "$@"`,
    `: >'${tried}'`,
    `${strace} '${process.execPath}' "$@" || : >'${died}'`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o755 });
  return path;
}

describe(`death at a system call (ECS_TEST_SEED=${seed})`, () => {
  test.each(cases())('%s, the %ith: no line is lost or doubled (LOG-4)', async (call, nth, compress) => {
    await using stage = await LogStage.open({ nodePath: (scratch) => mortalNode(scratch, call, nth) });
    const options = { 'max-size': '20k', 'max-file': '500', ...(compress && { compress: 'true' }) };
    const fifos = await stage.prepare('numbers', options);
    const script = [
      'i=0',
      `while [ $i -lt ${BLOCKS} ]`,
      'do busybox seq $((i*100+1)) $(((i+1)*100))',
      'busybox seq $((i*10+1)) $(((i+1)*10)) >&2',
      'i=$((i+1))',
      'busybox usleep 2000',
      'done',
    ].join('\n');
    await endOf(stage.write(fifos, script));
    await stage.finish(fifos.id);
    let stdout = '';
    let stderr = '';
    for await (const { stream, text } of readLogs({ dataDir: stage.dataDir, id: fifos.id })) {
      if (stream === 'stdout') stdout += `${text}\n`;
      else stderr += `${text}\n`;
    }
    const own = existsSync(`${stage.dataDir}/log-service.log`)
      ? readFileSync(`${stage.dataDir}/log-service.log`, 'utf8')
      : '';
    runs += 1;
    if (existsSync(stage.scratch.path('died'))) deaths += 1;
    expect(firstWrongNumber(stdout, BLOCKS * 100), own).toBeUndefined();
    expect(firstWrongNumber(stderr, BLOCKS * 10), own).toBeUndefined();
  });
});
