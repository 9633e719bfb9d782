import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { readLogs } from '../../../src/container-log/read-logs.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { isFullRun } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { endOf, firstWrongNumber, LogStage } from './log-stage.ts';
import { seededRandom, testSeed } from './random.ts';

const seed = testSeed();
const KILLS = isFullRun() ? 40 : 5;
const LIMIT_MS = 600_000;
const BLOCK = 14_000;

/** Numbers on both streams at about 10 MB/s in all, until the file exists; the numbers reached are in it. */
function numbersUntil(file: string): string {
  return [
    'i=0',
    `while [ ! -e '${file}' ]`,
    `do busybox seq $((i*${BLOCK}+1)) $(((i+1)*${BLOCK}))`,
    `busybox seq $((i*100+1)) $(((i+1)*100)) >&2`,
    'i=$((i+1))',
    'busybox usleep 10000',
    'done',
    `echo $i > '${file}.blocks'`,
  ].join('\n');
}

async function textRead(stage: LogStage, id: ContainerId, stream: 'stdout' | 'stderr'): Promise<string> {
  let text = '';
  for await (const line of readLogs({ dataDir: stage.dataDir, id }))
    if (line.stream === stream) text += `${line.text}\n`;
  return text;
}

describe(`a killed log service (ECS_TEST_SEED=${seed})`, () => {
  test.each([
    ['one file', {}],
    ['rotated files', { 'max-size': '3m', 'max-file': '1000' }],
    ['rotated and compressed files', { 'max-size': '5m', 'max-file': '1000', compress: 'true' }],
  ])(
    'loses no line and doubles none, in %s (LOG-4, LOG-90, LOG-43)',
    async (name, options) => {
      await using stage = await LogStage.open({ limitMs: LIMIT_MS });
      const random = seededRandom(seed);
      const fifos = await stage.prepare('numbers', options);
      const stop = stage.scratch.path('stop');
      const writer = stage.write(fifos, numbersUntil(stop));
      for (let kill = 0; kill < KILLS; kill++) {
        await stage.logs.list({ signal: stage.signal });
        // The moment is what is being tried.
        await delay(random() * 150);
        await stage.killService();
      }
      await stage.run({ stdout: stop, stderr: '/dev/null' }, 'echo');
      await endOf(writer);
      await stage.finish(fifos.id);
      const blocks = await until(async () => Number(await readFile(`${stop}.blocks`, 'utf8')), {
        what: 'the writer told',
      });
      expect(blocks, name).toBeGreaterThan(KILLS);
      expect(firstWrongNumber(await textRead(stage, fifos.id, 'stdout'), blocks * BLOCK)).toBeUndefined();
      expect(firstWrongNumber(await textRead(stage, fifos.id, 'stderr'), blocks * 100)).toBeUndefined();
    },
    LIMIT_MS,
  );

  test('loses nothing of a container that ended while it was away (LOG-5)', async () => {
    await using stage = await LogStage.open();
    const fifos = await stage.prepare('short');
    const gate = stage.scratch.path('gate');
    const script = `while [ ! -e '${gate}' ]; do busybox usleep 5000; done; busybox seq 1 9000; printf 'last words' >&2`;
    const writer = stage.write(fifos, script);
    const pid = await stage.servicePid();
    // Stopped, then killed: it can read nothing in between.
    process.kill(pid, 'SIGSTOP');
    await stage.run({ stdout: gate, stderr: '/dev/null' }, 'echo');
    await endOf(writer);
    process.kill(pid, 'SIGKILL');
    await stage.finish(fifos.id);
    expect(firstWrongNumber(stage.textOf(fifos.id, 'stdout'), 9000)).toBeUndefined();
    expect(stage.textOf(fifos.id, 'stderr')).toBe('last words');
  });

  test('answers a call that its death interrupted, once it is back', async () => {
    await using stage = await LogStage.open();
    const fifos = await stage.prepare('interrupted');
    const writer = stage.write(fifos, 'echo begin; busybox sleep 100');
    await until(() => stage.textOf(fifos.id, 'stdout') !== '', { what: 'the first line is kept' });
    const finished = stage.finish(fifos.id);
    await stage.killService();
    writer.kill('SIGKILL');
    await finished;
    expect(stage.textOf(fifos.id, 'stdout')).toMatch(/^begin\n/);
  });

  test('goes on with the parts of an unfinished line', async () => {
    await using stage = await LogStage.open();
    const fifos = await stage.prepare('parts');
    const gate = stage.scratch.path('gate');
    const script = [
      "busybox dd if=/dev/zero bs=20000 count=1 2>/dev/null | busybox tr '\\0' a",
      `while [ ! -e '${gate}' ]; do busybox usleep 5000; done`,
      'echo b',
    ].join('; ');
    const writer = stage.write(fifos, script);
    await until(() => stage.jsonLines(fifos.id).length > 0, { what: 'the first part is kept' });
    await stage.killService();
    await stage.logs.list({ signal: stage.signal });
    await stage.run({ stdout: gate, stderr: '/dev/null' }, 'echo');
    await endOf(writer);
    await stage.finish(fifos.id);
    const lines = stage.jsonLines(fifos.id);
    expect(lines.map(({ log }) => log?.length)).toEqual([16_384, 3618]);
    expect(lines[1]?.log?.endsWith('ab\n')).toBe(true);
    expect(lines[1]?.time).toBe(lines[0]?.time);
  });
});
