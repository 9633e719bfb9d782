import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { LogConfig } from '../../../src/container-log/log-config.ts';
import { type ContainerLogPaths, containerLogPaths } from '../../../src/container-log/log-paths.ts';
import { Collector } from '../../../src/container-log/service/collector.ts';
import { CredentialsBroker } from '../../../src/container-log/service/credentials-broker.ts';
import type {
  DriverContext,
  DriverDefinition,
  PumpResult,
} from '../../../src/container-log/service/driver.ts';
import { MAX_MESSAGE_BYTES } from '../../../src/container-log/service/log-message.ts';
import { OwnLog } from '../../../src/container-log/service/own-log.ts';
import { ReadinessLoop } from '../../../src/container-log/service/readiness-loop.ts';
import { SendSlots } from '../../../src/container-log/service/send-slots.ts';
import { ReadWindow } from '../../../src/container-log/service/spool-reader.ts';
import { PipeIo } from '../../../src/host/pipe-io.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { hostProcesses } from '../../support/processes.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { endOf, firstWrongNumber, TASK } from './log-stage.ts';

/** A driver like those to come: its destination can be closed, and it confirms what it took. */
class GatedDriver implements DriverDefinition {
  readonly maxMessageBytes = MAX_MESSAGE_BYTES;
  isOpen = false;
  readonly lines: string[] = [];
  #context: DriverContext | undefined;

  readonly open: DriverDefinition['open'] = async (context) => {
    this.#context = context;
    return {
      pump: () => this.#pump(),
      finish: async () => {
        for (let rest = context.reader.takeRest(); rest !== undefined; rest = context.reader.takeRest())
          this.lines.push(rest.bytes.toString());
      },
      hasUndelivered: () => false,
      close: async () => {},
    };
  };

  /** The destination answers again. */
  release(): void {
    this.isOpen = true;
    this.#context?.wake();
  }

  #pump(): PumpResult {
    const context = this.#context;
    if (context === undefined || !this.isOpen) return 'waiting';
    for (let message = context.reader.next(); message !== undefined; message = context.reader.next())
      this.lines.push(message.bytes.toString());
    const position = context.reader.position();
    context.position.save({ position, ended: false, driver: {} });
    context.spool.releaseBefore(position.segment);
    return 'idle';
  }
}

let scratch: Scratch;
let loop: ReadinessLoop;
let running: Promise<void>;
let writers: ChildProcess[];
beforeEach(() => {
  scratch = makeScratch();
  loop = new ReadinessLoop(new OwnLog(scratch.path('own.log')));
  running = loop.run();
  writers = [];
});
afterEach(async () => {
  for (const writer of writers) writer.kill('SIGKILL');
  loop.close();
  await running;
  await scratch.remove();
});

interface Bench {
  readonly collector: Collector;
  readonly driver: GatedDriver;
  readonly paths: ContainerLogPaths;
}

async function bench(mode: LogConfig['mode'], bufferBytes: number): Promise<Bench> {
  const id = containerIdOf(TASK, 'web', 0);
  const paths = containerLogPaths({ runDir: scratch.path('run'), dataDir: scratch.path('data') }, id);
  mkdirSync(paths.fifoDirectory, { recursive: true });
  mkdirSync(paths.directory, { recursive: true });
  const config: LogConfig = {
    version: 1,
    driver: 'gated',
    options: {},
    mode,
    bufferBytes,
    container: { id, name: 'web', imageName: 'a', imageId: 'b', command: [], createdAt: 0 },
    taskArn: TASK,
    hostname: 'here',
    attributes: {},
  };
  const output = Buffer.alloc(64 * 1024);
  const driver = new GatedDriver();
  const collector = await Collector.open(
    config,
    paths,
    driver,
    {
      io: new PipeIo(),
      loop,
      memory: { window: new ReadWindow(256 * 1024), output: () => output },
      log: new OwnLog(scratch.path('own.log')),
      slots: new SendSlots(),
      credentials: new CredentialsBroker(() => {}),
      onDrop: () => {},
      onTrouble: () => {},
    },
    { isTakenUp: false },
  );
  return { collector, driver, paths };
}

function write({ paths }: Bench, script: string): ChildProcess {
  const redirect = `exec >'${paths.fifos.stdout}' 2>'${paths.fifos.stderr}'; ${script}`;
  const writer = spawn('/bin/busybox', ['sh', '-c', redirect], { stdio: 'ignore' });
  writers.push(writer);
  return writer;
}

function spoolBytes({ paths }: Bench): number {
  return readdirSync(paths.spool).reduce((sum, name) => sum + statSync(`${paths.spool}/${name}`).size, 0);
}

describe('a destination that does not answer', () => {
  test('lets a blocking container wait when its buffer is full, and loses nothing after (LOG-32, LOG-108)', async () => {
    const stage = await bench('blocking', 2 * 1024 * 1024);
    const writer = write(stage, 'busybox seq 1 600000');
    await until(() => spoolBytes(stage) > 2 * 1024 * 1024 - 8192, { what: 'the buffer is full' });
    await until(() => isBlockedInWrite(writer), { what: 'the container waits in write(2)' });
    expect(spoolBytes(stage)).toBeLessThanOrEqual(2 * 1024 * 1024 + 32);
    stage.driver.release();
    await endOf(writer);
    await stage.collector.finish();
    expect(firstWrongNumber(`${stage.driver.lines.join('\n')}\n`, 600_000)).toBeUndefined();
    expect(stage.collector.statistics().blockedMs).toBeGreaterThan(0);
  });

  test('never lets a non-blocking container wait; the newest lines are dropped and counted (LOG-33, LOG-30, LOG-107)', async () => {
    const stage = await bench('non-blocking', 256 * 1024);
    await endOf(write(stage, 'busybox seq 1 600000'));
    await until(() => stage.collector.statistics().bytesRead === 4_088_895, {
      what: 'everything is read',
    });
    stage.driver.release();
    await stage.collector.finish();
    const { dropped } = stage.collector.statistics();
    const kept = stage.driver.lines.map(Number);
    expect(kept[0]).toBe(1);
    expect(kept.every((number, index) => index === 0 || number > (kept[index - 1] ?? 0))).toBe(true);
    expect(kept.length).toBeGreaterThan(20_000);
    expect(kept.length + dropped.ring.lines).toBe(600_000);
  });

  test('hands over at the end what was queued (LOG-31)', async () => {
    const stage = await bench('non-blocking', 1024 * 1024);
    await endOf(write(stage, 'busybox seq 1 1000; printf rest'));
    const finished = stage.collector.finish();
    stage.driver.release();
    await finished;
    expect(stage.driver.lines.slice(-2)).toEqual(['1000', 'rest']);
    expect(stage.driver.lines).toHaveLength(1001);
  });

  test('takes a piece larger than the bound when nothing is queued (LOG-106)', async () => {
    const stage = await bench('non-blocking', 10);
    const fd = openSync(stage.paths.fifos.stdout, 'w');
    const writer = write(stage, 'echo a line that is longer than ten bytes');
    await endOf(writer);
    closeSync(fd);
    stage.driver.release();
    await stage.collector.finish();
    expect(stage.driver.lines).toEqual(['a line that is longer than ten bytes']);
  });

  test('deletes what was delivered', async () => {
    const stage = await bench('blocking', 64 * 1024 * 1024);
    stage.driver.release();
    await endOf(write(stage, 'busybox seq 1 2000000'));
    await until(() => stage.collector.statistics().backlogBytes === 0, { what: 'all is delivered' });
    expect(spoolBytes(stage)).toBeLessThan(2.2 * 1024 * 1024);
    await stage.collector.finish();
    expect(stage.driver.lines).toHaveLength(2_000_000);
  });
});

/** Whether the process, or one that it started, waits in write(2) to a pipe. */
function isBlockedInWrite(child: ChildProcess): boolean {
  return hostProcesses()
    .filter(({ pid, parentPid }) => pid === child.pid || parentPid === child.pid)
    .some(({ pid }) => readFileSync(`/proc/${pid}/wchan`, 'utf8').includes('pipe_write'));
}
