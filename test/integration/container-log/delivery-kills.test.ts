import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureFifo } from '../../../src/host/pipe-io.ts';
import { isFullRun, randomFrom, sampleOf, testSeed } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { ContainerdStage } from './containerd-stage.ts';
import { LogStage } from './log-stage.ts';
import { LineTally, linesOf, type PacedWriting, writePaced } from './numbered-lines.ts';
import { RECEIVERS, type Receiver } from './receivers.ts';

/*
 * A container writes numbered lines at 10 MB/s, and what arrives at the other end of its log driver is compared with
 * that, while agent, log service and containerd are killed.
 */

const seed = testSeed();
const SECONDS = isFullRun() ? 60 : 2;
/** journald keeps what it gets in memory here. */
const JOURNALD_SECONDS = Math.min(SECONDS, 10);
const LINE_BYTES = 1_000;
/** What is kept in files has no destination that could stall. */
const STALLING = Object.keys(RECEIVERS).filter((driver) => driver !== 'json-file' && driver !== 'local');
/** Shorter than any driver waits for an answer: what it sends again would be doubled. */
const STALL_MS = 15_000;
/** Beside other tests a writer gets less of the processor than alone. */
const SLOWER = isFullRun() ? 1.1 : 2;
/** From the last write until it has arrived. */
const ARRIVAL_MS = 240_000;
const LIMIT_MS = 12 * SECONDS * 1_000 + ARRIVAL_MS;

type Victim = 'agent' | 'containerd' | 'log service';
const VICTIMS: readonly (readonly Victim[])[] = [
  ['agent', 'containerd'],
  ['log service', 'agent', 'containerd'],
];
const CASES = Object.keys(RECEIVERS).flatMap((driver) =>
  VICTIMS.map((victims) => [driver, victims.join(', '), victims] as const),
);

let host: ContainerdStage;
beforeAll(async () => {
  host = await ContainerdStage.open();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});

interface Outcome {
  /** Written. */
  readonly lines: number;
  /** Received at least once. */
  readonly distinct: number;
  readonly doubled: number;
  /** Lines of one batch for each kill of the log service. */
  readonly mayDouble: number;
  /** As the log service counts them. */
  readonly dropped: number;
  /** What the writing took. */
  readonly ms: number;
}

function writingOf(driver: string): PacedWriting {
  return { seconds: driver === 'journald' ? JOURNALD_SECONDS : SECONDS, lineBytes: LINE_BYTES };
}

/** A container of this driver writes, and at random moments one of these is killed. */
async function writeThrough(
  driver: string,
  options: { readonly victims: readonly Victim[]; readonly nonBlocking?: boolean },
): Promise<Outcome> {
  const random = randomFrom(seed);
  const writing = writingOf(driver);
  const lines = linesOf(writing);
  const open = RECEIVERS[driver];
  if (open === undefined) throw new Error(`nothing receives for ${driver}`);
  await using receiver = await open(random);
  await using stage = await LogStage.open({ ...receiver.stage, limitMs: 10 * SECONDS * 1_000 + ARRIVAL_MS });
  const { signal } = stage;
  await stage.disconnect();
  const mode = options.nonBlocking === true ? { mode: 'non-blocking', 'max-buffer-size': '1m' } : {};
  const name = `${driver}-${options.victims.length}`;
  const request = stage.request(name, {
    driver,
    options: { ...receiver.options, ...mode },
  });
  let agent = await stage.spawnAgent(request);
  const input = stage.scratch.path('input');
  mkdirSync(input);
  ensureFifo(`${input}/lines`, 0o600);
  const id = await host.start(name, 'exec cat /input/lines', agent.stdio, {
    mounts: [{ source: input, destination: '/input', readonly: true }],
    signal,
  });
  const arrived = new AbortController();
  const tally = new LineTally(writing);
  const receiving = receiver.receive(tally, { stage, id, signal: arrived.signal });
  receiving.catch(() => {});
  let isWriting = true;
  const written = writePaced(`${input}/lines`, writing).finally(() => {
    isWriting = false;
  });
  written.catch(() => {});
  const stalling = options.nonBlocking === true ? stallAWhile(receiver, writing, written) : undefined;
  let kills = 0;
  let serviceKills = 0;
  const lastKillAt = performance.now() + 1_000 * writing.seconds;
  while (isWriting && performance.now() < lastKillAt) {
    // The moment is what is being tried.
    await delay(200 + random() * 1_000, undefined, { signal });
    const victim =
      kills === 0 ? options.victims[0] : options.victims[Math.floor(random() * options.victims.length)];
    kills += 1;
    if (victim === 'log service') {
      serviceKills += 1;
      await stage.killService();
    } else if (victim === 'containerd') {
      await host.containerd.kill('SIGKILL');
      await host.containerd.restart();
    } else {
      await agent.kill();
      await delay(random() * 300);
      agent = await stage.spawnAgent(request);
    }
  }
  const { ms } = await written;
  await stalling;
  await stage.connect();
  await host.end(id, (ended) => stage.finish(ended), signal);
  const dropped = async () => (await stage.logs.statistics({ signal }))[id]?.dropped.ring.lines ?? 0;
  const isAll = async () =>
    options.nonBlocking === true ? tally.distinct + (await dropped()) >= lines : tally.hasLast;
  await until(isAll, { what: 'the last line arrives', timeoutMs: ARRIVAL_MS, intervalMs: 100 });
  arrived.abort();
  await receiving.catch((error: unknown) => {
    if (error !== arrived.signal.reason) throw error;
  });
  await agent.kill();
  const { distinct, doubled, torn } = tally;
  const mayDouble = serviceKills * Math.ceil(receiver.batchBytes / LINE_BYTES);
  const outcome = { lines, distinct, doubled, torn, serviceKills, mayDouble, dropped: await dropped(), ms };
  console.log(driver, options.victims, outcome);
  return outcome;
}

/** From a third of the writing on the destination takes nothing, until all is written or for `STALL_MS`. */
async function stallAWhile(
  { stall }: Receiver,
  { seconds }: PacedWriting,
  written: Promise<unknown>,
): Promise<void> {
  await delay((1_000 * seconds) / 3);
  stall?.(true);
  await Promise.race([written, delay(STALL_MS)]);
  stall?.(false);
}

describe(`10 MB/s for ${SECONDS} s (ECS_TEST_SEED=${seed})`, () => {
  test.each(sampleOf(CASES, 2, seed))(
    'to %s while %s are killed: nothing is lost, and doubled is at most a batch for each kill of the log service (LOG-12, LOG-15, LOG-90)',
    async (driver, _, victims) => {
      const { lines, distinct, doubled, mayDouble } = await writeThrough(driver, { victims });
      expect(distinct).toBe(lines);
      expect(doubled).toBeLessThanOrEqual(mayDouble);
    },
    LIMIT_MS,
  );

  test.each(sampleOf(STALLING, 1, seed))(
    'non-blocking to %s that stalls while agent and containerd are killed: no wait, and received and dropped are all (LOG-33, LOG-107)',
    async (driver) => {
      const nowhere = await writePaced('/dev/null', writingOf(driver));
      const { lines, distinct, doubled, dropped, ms } = await writeThrough(driver, {
        victims: ['agent', 'containerd'],
        nonBlocking: true,
      });
      expect(ms).toBeLessThan(SLOWER * nowhere.ms);
      expect(doubled).toBe(0);
      expect(dropped).toBeGreaterThan(0);
      expect(distinct + dropped).toBe(lines);
    },
    LIMIT_MS,
  );
});
