import pino from 'pino';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/async/clock.ts';
import { EcsApiError, type SubmitTaskStateChangeRequest } from '../../../src/ecs/ecs-api.ts';
import { Reporter, type ReporterDependencies } from '../../../src/ecs/reporter.ts';
import { memoryStore } from '../../../src/store/memory-store.ts';
import { type QueuedReport, type Store, StoreError } from '../../../src/store/store.ts';
import { until } from '../../support/until.ts';
import { arnOf, sampleReport } from '../store/sample-task.ts';

/** One call of the API that waits for its answer. */
interface Call extends PromiseWithResolvers<void> {
  readonly request: SubmitTaskStateChangeRequest;
}

/** Reporter with an API that answers when the test says so, and a clock that the test moves. */
class Desk {
  readonly store: Store = memoryStore();
  readonly calls: Call[] = [];
  readonly settled: string[] = [];
  readonly delays: number[] = [];
  readonly reporter: Reporter;
  readonly #timers: { at: number; run: () => void }[] = [];
  #now = 1_000_000;

  constructor(overrides: Partial<ReporterDependencies> = {}) {
    const clock: Clock = {
      now: () => this.#now,
      after: (ms, run) => {
        this.delays.push(ms);
        const timer = { at: this.#now + ms, run };
        this.#timers.push(timer);
        return () => void this.#timers.splice(this.#timers.indexOf(timer) >>> 0, 1);
      },
    };
    this.reporter = new Reporter({
      api: {
        submitTaskStateChange: async (request, { signal }) => {
          const call = { request, ...Promise.withResolvers<void>() };
          signal.addEventListener('abort', () => call.reject(signal.reason), { once: true });
          this.calls.push(call);
          await call.promise;
        },
      },
      store: this.store,
      cluster: 'c',
      logger: pino({ level: 'silent' }),
      onSettled: (task, id, outcome) => void this.settled.push(`${task.split('/').at(-1)} ${id} ${outcome}`),
      clock,
      random: () => 0.5,
      ...overrides,
    });
  }

  async put(task: string, reason: string): Promise<QueuedReport> {
    const report = sampleReport(task, reason);
    const [id = -1] = await this.store.commit([{ kind: 'enqueueReport', report }]);
    return { id, report };
  }

  async enqueue(task: string, reason: string): Promise<void> {
    this.reporter.enqueue(await this.put(task, reason));
  }

  /** Waits for that call, the n-th from 0, and gives it. */
  async call(n: number): Promise<Call> {
    return await until(() => this.calls[n], { what: `call ${n} is made`, intervalMs: 0 });
  }

  advance(ms: number): void {
    this.#now += ms;
    for (const timer of this.#timers.filter(({ at }) => at <= this.#now)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.run();
    }
  }

  reasons(): string[] {
    return this.calls.map(({ request }) => request.reason);
  }
}

/** Lets everything run that waits for nothing but promises. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const serverError = () => new EcsApiError('ServerException', 'down', 500);

test('sends the reports of a task one after the other in their order (ECS-41, ECS-88, ENG-144)', async () => {
  const desk = new Desk();
  desk.reporter.start([]);
  for (const reason of ['1', '2', '3']) await desk.enqueue('a', reason);
  for (const n of [0, 1, 2]) {
    const call = await desk.call(n);
    await settle();
    expect(desk.calls).toHaveLength(n + 1);
    call.resolve();
  }
  await until(() => desk.reporter.depth === 0, { what: 'all are settled' });
  expect(desk.reasons()).toEqual(['1', '2', '3']);
  expect(desk.settled).toEqual(['a 1 accepted', 'a 2 accepted', 'a 3 accepted']);
  await desk.reporter.stop();
});

test('has at most ten reports in flight, each of another task (ECS-89, ENG-92)', async () => {
  const desk = new Desk();
  desk.reporter.start([]);
  for (let n = 0; n < 25; n += 1) await desk.enqueue(`t${n}`, String(n));
  await settle();
  expect(desk.calls).toHaveLength(10);
  for (let n = 0; n < 25; n += 1) {
    (await desk.call(n)).resolve();
    await settle();
    expect(desk.calls).toHaveLength(Math.min(25, n + 11));
  }
  expect(new Set(desk.calls.map(({ request }) => request.task)).size).toBe(25);
  await desk.reporter.stop();
});

test('sends nothing before its start, then the outbox first', async () => {
  const desk = new Desk();
  const old = [await desk.put('a', 'old 1'), await desk.put('a', 'old 2')];
  await desk.enqueue('a', 'new');
  await settle();
  expect(desk.calls).toEqual([]);
  desk.reporter.start(old);
  for (const n of [0, 1, 2]) (await desk.call(n)).resolve();
  expect(desk.reasons()).toEqual(['old 1', 'old 2', 'new']);
  await desk.reporter.stop();
});

test('puts reports in order that come out of order, and takes none twice', async () => {
  const desk = new Desk();
  const queued = [await desk.put('a', '1'), await desk.put('a', '2'), await desk.put('a', '3')];
  for (const index of [2, 0, 1, 2, 0]) {
    const report = queued[index];
    if (report !== undefined) desk.reporter.enqueue(report);
  }
  expect(desk.reporter.depth).toBe(3);
  desk.reporter.start(queued);
  for (const n of [0, 1, 2]) (await desk.call(n)).resolve();
  await until(() => desk.reporter.depth === 0, { what: 'all are settled' });
  expect(desk.reasons()).toEqual(['1', '2', '3']);
  await desk.reporter.stop();
});

test('drops a report that ECS calls invalid and goes on with the next (ECS-43, ENG-93)', async () => {
  const desk = new Desk();
  desk.reporter.start([]);
  await desk.enqueue('a', 'bad');
  await desk.enqueue('a', 'good');
  (await desk.call(0)).reject(new EcsApiError('InvalidParameterException', 'unknown task', 400));
  (await desk.call(1)).resolve();
  await until(() => desk.settled.length === 2, { what: 'both are settled' });
  expect(desk.settled).toEqual(['a 1 dropped', 'a 2 accepted']);
  expect((await desk.store.load()).outbox).toEqual([]);
  expect(desk.delays).toEqual([]);
  await desk.reporter.stop();
});

describe('a report that is not accepted', () => {
  test.each([
    ['ServerException', 500],
    ['ClientException', 400],
    ['AccessDeniedException', 400],
    ['NetworkError', 0],
  ])(
    'for %s is sent again after 1 s ×1.3 to 30 s, plus 0 to 20 percent, without end (ECS-91)',
    async (code, status) => {
      const desk = new Desk();
      desk.reporter.start([]);
      await desk.enqueue('a', 'x');
      for (let n = 0; n < 40; n += 1) {
        (await desk.call(n)).reject(new EcsApiError(code, 'no', status));
        await settle();
        desk.advance(desk.delays.at(-1) ?? 0);
      }
      // The fake chance of a half adds 10 %.
      const bases = desk.delays.map((delay) => delay / 1.1);
      expect(bases).toHaveLength(40);
      bases.forEach((base, n) => {
        expect(base).toBeCloseTo(Math.min(30_000, 1_000 * 1.3 ** n), 6);
      });
      expect(new Set(desk.reasons())).toEqual(new Set(['x']));
      await desk.reporter.stop();
    },
  );

  test('is tried again after 1 s once another was accepted', async () => {
    const desk = new Desk();
    desk.reporter.start([]);
    await desk.enqueue('a', '1');
    await desk.enqueue('a', '2');
    for (const n of [0, 1]) {
      (await desk.call(n)).reject(serverError());
      await settle();
      desk.advance(2_000);
    }
    (await desk.call(2)).resolve();
    (await desk.call(3)).reject(serverError());
    await settle();
    expect(desk.delays.map((delay) => Math.round(delay))).toEqual([1_100, 1_430, 1_100]);
    await desk.reporter.stop();
  });

  test('holds up its own task only, and no place among the ten while it waits', async () => {
    const desk = new Desk();
    desk.reporter.start([]);
    for (let n = 0; n < 10; n += 1) {
      await desk.enqueue(`stuck${n}`, 'first');
      await desk.enqueue(`stuck${n}`, 'second');
      (await desk.call(n)).reject(serverError());
    }
    await settle();
    await desk.enqueue('well', 'w');
    (await desk.call(10)).resolve();
    await until(() => desk.settled.length === 1, { what: 'the other task is served' });
    expect(desk.reasons().filter((reason) => reason === 'second')).toEqual([]);
    await desk.reporter.stop();
  });
});

test('keeps an accepted report from being followed until it is out of the store', async () => {
  const store = memoryStore();
  let full = true;
  const desk = new Desk({
    store: {
      commit: async (changes) => {
        if (full) throw new StoreError('full', 'no space left');
        return await store.commit(changes);
      },
    },
  });
  desk.reporter.start([]);
  await desk.enqueue('a', '1');
  await desk.enqueue('a', '2');
  (await desk.call(0)).resolve();
  await settle();
  expect(desk.calls).toHaveLength(1);
  expect(desk.settled).toEqual([]);
  full = false;
  desk.advance(2_000);
  (await desk.call(1)).resolve();
  await until(() => desk.settled.length === 2, { what: 'both are settled' });
  expect(desk.reasons()).toEqual(['1', '2']);
  await desk.reporter.stop();
});

test('sends after a restart what is not known as accepted, and nothing else (ECS-42, ECS-90)', async () => {
  const first = new Desk();
  first.reporter.start([]);
  for (const reason of ['accepted', 'in flight', 'never sent']) await first.enqueue('a', reason);
  (await first.call(0)).resolve();
  await first.call(1);
  await first.reporter.stop();

  const second = new Desk();
  second.reporter.start((await first.store.load()).outbox);
  for (const n of [0, 1]) (await second.call(n)).resolve();
  await settle();
  expect(second.reasons()).toEqual(['in flight', 'never sent']);
  await second.reporter.stop();
});

test('tells STOPPED again after a restart when the agent died before it noted that ECS has it (OBS-123)', async () => {
  const disk = memoryStore();
  const commit = () => Promise.reject(new StoreError('full', 'no space left'));
  const report = { ...sampleReport('a', 'over'), status: 'STOPPED' as const };
  await disk.commit([{ kind: 'enqueueReport', report }]);
  const { outbox } = await disk.load();
  const first = new Desk({ store: { commit } });
  first.reporter.start(outbox);
  (await first.call(0)).resolve();
  await settle();
  await first.reporter.stop();

  const second = new Desk({ store: disk });
  second.reporter.start((await disk.load()).outbox);
  (await second.call(0)).resolve();
  await until(() => second.settled.length === 1, { what: 'it is settled' });
  expect([...first.calls, ...second.calls].map(({ request }) => request.status)).toEqual([
    'STOPPED',
    'STOPPED',
  ]);
  expect((await disk.load()).outbox).toEqual([]);
  await second.reporter.stop();
});

test('tells how many reports wait and for how long', async () => {
  const desk = new Desk();
  expect([desk.reporter.depth, desk.reporter.oldestAgeMs]).toEqual([0, 0]);
  await desk.enqueue('a', '1');
  desk.advance(5_000);
  await desk.enqueue('b', '2');
  expect([desk.reporter.depth, desk.reporter.oldestAgeMs]).toEqual([2, 5_000]);
  desk.reporter.start([]);
  (await desk.call(0)).resolve();
  await until(() => desk.reporter.depth === 1, { what: 'the older is settled' });
  expect(desk.reporter.oldestAgeMs).toBe(0);
  await desk.reporter.stop();
});

test('stops at once, with reports in flight and others waiting for their next try', async () => {
  const desk = new Desk();
  desk.reporter.start([]);
  await desk.enqueue('a', '1');
  await desk.enqueue('b', '2');
  (await desk.call(0)).reject(serverError());
  await desk.call(1);
  await settle();
  await desk.reporter.stop();
  await desk.enqueue('c', '3');
  expect(desk.calls).toHaveLength(2);
  expect((await desk.store.load()).outbox.map(({ report }) => report.task)).toEqual(
    ['a', 'b', 'c'].map(arnOf),
  );
});
