import { rmSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { endOf, LogStage, parseJsonLines } from './log-stage.ts';

/** With a data directory of 3 MB on a filesystem of its own. */
let stage: LogStage;
beforeEach(async () => {
  stage = await LogStage.open({
    onDataDir: async (directory) => {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', directory]);
    },
  });
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

/** Fills what is left of the disk. */
function fill(path: string): void {
  try {
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024));
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
  }
}

describe('a full disk', () => {
  test('does not stop the container, costs whole lines only, and every one is counted (LOG-85, LOG-82)', async () => {
    const fifos = await stage.prepare('flood');
    await stage.run(fifos, 'busybox seq 1 200000');
    await stage.finish(fifos.id);
    const path = stage.paths(fifos.id).jsonLog;
    const kept = parseJsonLines(path).map(({ log }) => Number(log));
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept.length).toBeLessThan(200_000);
    expect(kept.every((number, index) => index === 0 || number > (kept[index - 1] ?? 0))).toBe(true);
    const { dropped, linesDelivered } =
      (await stage.logs.statistics({ signal: stage.signal }))[fifos.id] ?? expect.fail('no statistics');
    expect(linesDelivered).toBe(kept.length);
    expect(kept.length + dropped.disk.lines).toBe(200_000);
    expect(dropped.disk.bytes).toBeGreaterThan(0);
  });

  test('warns the agent once, and goes on when there is space again (LOG-171, LOG-168)', async () => {
    const fifos = await stage.prepare('recovery');
    const path = stage.paths(fifos.id).jsonLog;
    const gate = stage.scratch.path('gate');
    const wait = (nth: number) => `while [ ! -e '${gate}${nth}' ]; do busybox usleep 5000; done`;
    const writer = stage.write(
      fifos,
      `echo before; ${wait(1)}; busybox seq 1 50000; ${wait(2)}; echo after; echo again`,
    );
    await until(() => parseJsonLines(path).length === 1, { what: 'the first line is kept' });
    const ballast = `${stage.dataDir}/ballast`;
    fill(ballast);
    writeFileSync(`${gate}1`, '');
    const droppedLines = async () =>
      (await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.dropped.disk.lines ?? 0;
    await until(async () => (await droppedLines()) > 40_000, { what: 'lines are dropped' });
    await until(() => stage.warnings.length > 0, { what: 'the agent is told' });
    rmSync(ballast);
    writeFileSync(`${gate}2`, '');
    await endOf(writer);
    await stage.finish(fifos.id);
    const kept = parseJsonLines(path).map(({ log }) => log);
    expect(kept[0]).toBe('before\n');
    expect(kept.slice(-2)).toEqual(['after\n', 'again\n']);
    expect(kept.length + (await droppedLines())).toBe(50_003);
    expect(stage.warnings).toHaveLength(1);
    expect(stage.warnings[0]).toMatchObject({
      message: 'lines of a container log were dropped',
      fields: { container: fifos.id, taskArn: expect.stringContaining('task/'), reason: 'disk' },
    });
  });

  test('survives a kill of the log service as well', async () => {
    const fifos = await stage.prepare('killed');
    const path = stage.paths(fifos.id).jsonLog;
    const gate = stage.scratch.path('gate');
    const writer = stage.write(
      fifos,
      `busybox seq 1 100000; while [ ! -e '${gate}' ]; do busybox usleep 5000; done; echo end`,
    );
    const droppedLines = async () =>
      (await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.dropped.disk.lines ?? 0;
    await until(async () => (await droppedLines()) > 1000, { what: 'lines are dropped' });
    await stage.killService();
    await stage.logs.list({ signal: stage.signal });
    // As rotation or an administrator would make room.
    writeFileSync(path, '');
    writeFileSync(gate, '');
    await endOf(writer);
    await stage.finish(fifos.id);
    expect(statSync(path).size).toBeGreaterThan(0);
    expect(parseJsonLines(path).at(-1)?.log).toBe('end\n');
  });
});
