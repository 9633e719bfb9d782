import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { arnOf, sampleReport, sampleTask } from '../../unit/store/sample-task.ts';
import { transactionsIn } from './journal.ts';

let scratch: Scratch;
const children: ChildProcess[] = [];
beforeEach(() => {
  scratch = makeScratch();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await scratch.remove();
});

interface Committer {
  readonly acked: Map<number, string>;
  /** Resolves after that many acks more. */
  acks(count: number): Promise<void>;
  kill(): Promise<void>;
}

async function startCommitter(dataDir: string, run: string): Promise<Committer> {
  const script = new URL('commit-forever.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, dataDir, run], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const ended = once(child.stdout, 'close');
  const acked = new Map<number, string>();
  let wanted = { count: Number.POSITIVE_INFINITY, reached: () => {} };
  const opened = Promise.withResolvers<void>();
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'open') return opened.resolve();
    const [id = '', reason = ''] = line.split(' ');
    acked.set(Number(id), reason);
    if (acked.size >= wanted.count) wanted.reached();
  });
  ended.then(() => opened.reject(new Error('the child ended before it had opened the store')));
  await opened.promise;
  return {
    acked,
    acks: (count) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = { count: acked.size + count, reached: resolve };
      return promise;
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

test('has everything that was acked before a kill -9, time after time', async () => {
  const everAcked = new Map<number, string>();
  for (const run of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const committer = await startCommitter(scratch.directory, run);
    await committer.acks(20 + Math.floor(Math.random() * 200));
    await committer.kill();
    for (const [id, reason] of committer.acked) everAcked.set(id, reason);

    const store = openStore(scratch.directory);
    const state = await store.load();
    await store.close();
    expect(state.setAside).toBeUndefined();
    expect(state.quarantined).toEqual([]);
    const stored = new Map(state.outbox.map(({ id, report }) => [id, report]));
    for (const [id, reason] of everAcked) expect(stored.get(id)?.reason).toBe(reason);
    // A task and its report are of one commit: neither is there without the other.
    for (const task of state.tasks) {
      const last = state.outbox.filter(({ report }) => report.task === task.spec.arn).at(-1);
      expect(task.stoppedReason).toBe(last?.report.reason);
    }
  }
  expect(everAcked.size).toBeGreaterThanOrEqual(120);
});

test('keeps a second agent off the data directory until the first has died', async () => {
  const first = await startCommitter(scratch.directory, 'a');
  expect(() => openStore(scratch.directory)).toThrow(
    expect.objectContaining({ code: 'locked', message: expect.stringContaining(scratch.directory) }),
  );
  await first.acks(10);
  await first.kill();
  await openStore(scratch.directory).close();
});

describe('a journal that the machine left behind torn', () => {
  const commits = 25;

  /** Copies database and journal of a store that is still open, as a power cut leaves them. */
  async function leaveJournal(): Promise<{ db: string; wal: Buffer }> {
    const dataDir = scratch.path('live');
    const store = openStore(dataDir);
    for (let n = 0; n < commits; n += 1)
      await store.commit([
        { kind: 'putTask', task: sampleTask('t1', { knownAt: n, stoppedReason: 'x'.repeat(n * 200) }) },
        { kind: 'enqueueReport', report: sampleReport('t1', String(n)) },
      ]);
    const db = scratch.path('agent.db');
    copyFileSync(`${dataDir}/agent.db`, db);
    const wal = readFileSync(`${dataDir}/agent.db-wal`);
    await store.close();
    return { db, wal };
  }

  test('gives every commit that lies whole before the tear, and nothing of the next', async () => {
    const { db, wal } = await leaveJournal();
    const setUp = transactionsIn(wal) - commits;
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(wal.length),
        fc.option(fc.nat(wal.length - 1), { nil: undefined }),
        async (length, flipped) => {
          round += 1;
          const dataDir = scratch.path(`torn-${round}`);
          mkdirSync(dataDir);
          copyFileSync(db, `${dataDir}/agent.db`);
          const torn = Buffer.from(wal.subarray(0, length));
          if (flipped !== undefined && flipped < length)
            torn.writeUInt8(torn.readUInt8(flipped) ^ 0x55, flipped);
          writeFileSync(`${dataDir}/agent.db-wal`, torn);
          const whole = transactionsIn(wal, Math.min(length, flipped ?? length));
          await expectFirst(dataDir, Math.max(0, whole - setUp));
        },
      ),
      { numRuns: 60 },
    );
  });

  async function expectFirst(dataDir: string, count: number) {
    const store = openStore(dataDir);
    const { tasks, outbox, quarantined, setAside } = await store.load();
    expect(setAside).toBeUndefined();
    expect(quarantined).toEqual([]);
    expect(outbox.map(({ report }) => report.reason)).toEqual(
      Array.from({ length: count }, (_, index) => String(index)),
    );
    expect(tasks.map((task) => task.knownAt)).toEqual(count === 0 ? [] : [count - 1]);
    await store.commit([{ kind: 'deleteTask', arn: arnOf('t1') }]);
    await store.close();
  }
});

describe('a database that cannot be read', () => {
  async function fill(): Promise<string> {
    const store = openStore(scratch.directory);
    for (let n = 0; n < 40; n += 1)
      await store.commit([
        { kind: 'putTask', task: sampleTask(`t${n}`, { stoppedReason: 'x'.repeat(2_000) }) },
      ]);
    await store.close();
    return scratch.path('agent.db');
  }

  test.each([
    ['cut in half', (path: string) => truncateSync(path, Math.floor(statSync(path).size / 2))],
    [
      'overwritten from the start',
      (path: string) => writeFileSync(path, Buffer.alloc(8_192, 0xa5), { flag: 'r+' }),
    ],
    [
      'garbled in the middle',
      (path: string) => {
        const bytes = readFileSync(path);
        bytes.fill(0x5a, 8_192, bytes.length - 8_192);
        writeFileSync(path, bytes);
      },
    ],
    [
      'text',
      (path: string) => writeFileSync(path, 'this is no database, however long it may be\n'.repeat(100)),
    ],
  ])('is set aside when it is %s, and a fresh one begun', async (_, damage) => {
    const path = await fill();
    damage(path);
    const damaged = readFileSync(path);

    const store = openStore(scratch.directory);
    const state = await store.load();
    expect(state).toMatchObject({ tasks: [], outbox: [] });
    expect(state.setAside?.path.startsWith(`${path}.broken-`)).toBe(true);
    expect(state.setAside?.error).not.toBe('');
    expect(readFileSync(state.setAside?.path ?? '')).toEqual(damaged);
    await store.commit([{ kind: 'putTask', task: sampleTask('new') }]);
    await store.close();

    const again = openStore(scratch.directory);
    const { tasks, setAside } = await again.load();
    expect(tasks.map((task) => task.spec.arn)).toEqual([arnOf('new')]);
    expect(setAside).toBeUndefined();
    await again.close();
  });

  test('is left alone when it is of a newer agent', async () => {
    const path = await fill();
    const db = new DatabaseSync(path);
    db.exec(`INSERT INTO schema_version VALUES (99, 'later', '')`);
    db.close();
    expect(() => openStore(scratch.directory)).toThrow(expect.objectContaining({ code: 'newer' }));
    // The refusal has let go of the lock.
    expect(() => openStore(scratch.directory)).toThrow(expect.objectContaining({ code: 'newer' }));
    expect(existsSync(path)).toBe(true);
  });
});
