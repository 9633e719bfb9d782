import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerId } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import { endOf, type Fifos, firstWrongNumber, LogStage } from './log-stage.ts';

const CONTAINERS = 200;

interface Memory {
  readonly residentMb: number;
  /** Written pages of its own: what one more such process would cost. */
  readonly dirtyMb: number;
}

function memoryOf(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kb = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1]);
  return { residentMb: kb('Rss') / 1024, dirtyMb: kb('Private_Dirty') / 1024 };
}

/** Processor time in ms of all its threads. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

let stage: LogStage;
const containers: (Fifos & { readonly id: ContainerId })[] = [];
const writers: number[] = [];
beforeAll(async () => {
  stage = await LogStage.open();
  // The first run of all compiles; the second starts as it would on a host.
  await stage.killService();
  await stage.logs.list({ signal: stage.signal });
});
afterAll(async () => {
  for (const fd of writers) closeSync(fd);
  await stage[Symbol.asyncDispose]();
});

describe(`${CONTAINERS} containers`, () => {
  test('cost little memory and no processor time while they are silent (LOG-86, LOG-172)', async () => {
    const pid = await stage.servicePid();
    const alone = memoryOf(pid);
    for (let index = 0; index < CONTAINERS; index++) containers.push(await stage.prepare(`c${index}`));
    for (const { stdout, stderr } of containers) writers.push(openSync(stdout, 'w'), openSync(stderr, 'w'));
    const idle = memoryOf(pid);
    const before = cpuOf(pid);
    // A measurement over time, not a wait for something.
    await delay(2_000);
    const idleCpuMs = cpuOf(pid) - before;
    console.log('log service', { alone, idle, idleCpuMs });
    expect(idle.residentMb).toBeLessThan(80);
    expect(idle.residentMb - alone.residentMb).toBeLessThan(20);
    expect(idleCpuMs).toBeLessThanOrEqual(20);
  });

  test('each get a line at once, whichever of them writes', async () => {
    const waits: number[] = [];
    for (const [index, { id }] of containers.entries()) {
      const start = performance.now();
      writeSync(writers[2 * index] ?? -1, '1\n');
      await until(() => stage.jsonLines(id).length === 1, { what: 'the line is kept', intervalMs: 1 });
      waits.push(performance.now() - start);
    }
    expect(waits.sort((a, b) => a - b)[CONTAINERS / 2]).toBeLessThan(10);
  });

  test('all writing at full speed, stay within bounded memory, and none loses a line', async () => {
    const pid = await stage.servicePid();
    const lines = 20_000;
    const busy = containers.map((fifos) => stage.write(fifos, `busybox seq 2 ${lines}`));
    let peakMb = 0;
    let done = false;
    const watching = until(
      () => {
        peakMb = Math.max(peakMb, memoryOf(pid).residentMb);
        return done;
      },
      { what: 'all have written', timeoutMs: 60_000, intervalMs: 50 },
    );
    await Promise.all(busy.map(endOf));
    for (const fd of writers.splice(0)) closeSync(fd);
    await Promise.all(containers.map(({ id }) => stage.finish(id)));
    done = true;
    await watching;
    console.log('log service', { peakMb });
    expect(peakMb).toBeLessThan(100);
    for (const { id } of containers)
      expect(firstWrongNumber(stage.textOf(id, 'stdout'), lines)).toBeUndefined();
  });
});
