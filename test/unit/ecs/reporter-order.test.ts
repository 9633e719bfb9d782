import fc, { type Scheduler } from 'fast-check';
import pino from 'pino';
import { expect, test } from 'vitest';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import { Reporter } from '../../../src/ecs/reporter.ts';
import { memoryStore } from '../../../src/store/memory-store.ts';
import { StoreError } from '../../../src/store/store.ts';
import { sampleReport } from '../store/sample-task.ts';

/** What happens to one call: ECS takes it, fails before or after it took it, or refuses it for good. */
type Fate = 'accept' | 'fail' | 'failAfterTaking' | 'refuse';

interface World {
  /** Task of each report, in the order of their enqueueing. */
  readonly tasks: readonly string[];
  /** Fates of calls in their order, accepted after the last. */
  readonly fates: readonly Fate[];
  /** Whether the n-th deletion from the store fails. */
  readonly storeFails: readonly boolean[];
  /** After how many calls the agent is restarted. */
  readonly restarts: readonly number[];
}

const anyWorld: fc.Arbitrary<World> = fc.record({
  tasks: fc.array(fc.integer({ min: 0, max: 14 }).map(String), { minLength: 1, maxLength: 40 }),
  fates: fc.array(fc.constantFrom<Fate>('accept', 'fail', 'failAfterTaking', 'refuse'), { maxLength: 40 }),
  storeFails: fc.array(fc.boolean(), { maxLength: 10 }),
  restarts: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
});

/** ECS as it sees the reports, checking what must hold at every moment. */
class Receiver {
  readonly taken: { readonly task: string; readonly reason: string }[] = [];
  readonly refused = new Set<string>();
  readonly #inFlight = new Set<string>();
  readonly #fates: Fate[];
  readonly #scheduler: Scheduler;
  calls = 0;

  constructor(fates: readonly Fate[], scheduler: Scheduler) {
    this.#fates = [...fates];
    this.#scheduler = scheduler;
  }

  async submit(task: string, reason: string): Promise<void> {
    this.calls += 1;
    expect(this.#inFlight.has(task)).toBe(false);
    this.#inFlight.add(task);
    expect(this.#inFlight.size).toBeLessThanOrEqual(10);
    const fate = this.#fates.shift() ?? 'accept';
    try {
      await this.#scheduler.schedule(Promise.resolve(), `${fate} ${reason}`);
    } finally {
      this.#inFlight.delete(task);
    }
    if (fate === 'accept' || fate === 'failAfterTaking') this.taken.push({ task, reason });
    if (fate === 'refuse') this.refused.add(reason);
    if (fate === 'fail' || fate === 'failAfterTaking') throw new EcsApiError('ServerException', fate, 500);
    if (fate === 'refuse') throw new EcsApiError('InvalidParameterException', fate, 400);
  }
}

test('keeps every task in order, whatever fails and however often the agent restarts (ECS-88, ECS-90)', async () => {
  await fc.assert(
    fc.asyncProperty(anyWorld, fc.scheduler(), async (world, scheduler) => {
      const receiver = await run(world, scheduler);
      for (const task of new Set(world.tasks)) {
        const sent = world.tasks.flatMap((owner, n) => (owner === task ? [`${n}`] : []));
        const seen = receiver.taken
          .filter((report) => report.task.endsWith(`/t${task}`))
          .map(({ reason }) => reason);
        const firsts = seen.filter((reason, index) => seen.indexOf(reason) === index);
        // At least once: repeats may only follow directly, so what ECS saw last is never overtaken by older news.
        expect(seen.filter((reason, index) => reason !== seen[index - 1])).toEqual(firsts);
        expect(firsts).toEqual(sent.filter((reason) => firsts.includes(reason)));
        for (const reason of sent) expect(firsts.includes(reason) || receiver.refused.has(reason)).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

/** Runs agents one after the other over one store until it is empty. */
async function run(world: World, scheduler: Scheduler): Promise<Receiver> {
  const store = memoryStore();
  const receiver = new Receiver(world.fates, scheduler);
  const storeFails = [...world.storeFails];
  const settled = new Set<number>();
  const restarts = [...world.restarts];
  const unsent = [...world.tasks.entries()];

  for (;;) {
    const restartAfter = restarts.shift();
    const lastCall = receiver.calls + (restartAfter ?? Number.POSITIVE_INFINITY);
    const enough = Promise.withResolvers<void>();
    const reporter = new Reporter({
      api: {
        submitTaskStateChange: async (request, { signal }) => {
          if (receiver.calls + 1 >= lastCall) enough.resolve();
          await receiver.submit(request.task, request.reason);
          signal.throwIfAborted();
        },
      },
      store: {
        commit: async (changes) => {
          await scheduler.schedule(Promise.resolve(), 'commit');
          if (storeFails.shift() === true) throw new StoreError('full', 'no space left');
          return await store.commit(changes);
        },
      },
      cluster: 'c',
      logger: pino({ level: 'silent' }),
      onSettled: (_, id) => {
        expect(settled.has(id)).toBe(false);
        settled.add(id);
        if (settled.size === world.tasks.length) enough.resolve();
      },
      clock: {
        now: () => 0,
        after: (_, run) => {
          let isOff = false;
          scheduler.schedule(Promise.resolve(), 'timer').then(() => isOff || run());
          return () => {
            isOff = true;
          };
        },
      },
    });
    reporter.start((await store.load()).outbox);
    for (const [n, task] of unsent.splice(0)) {
      const report = sampleReport(`t${task}`, String(n));
      const [id = -1] = await store.commit([{ kind: 'enqueueReport', report }]);
      reporter.enqueue({ id, report });
    }
    await scheduler.waitFor(enough.promise);
    const stopped = reporter.stop();
    await scheduler.waitFor(stopped);
    if ((await store.load()).outbox.length === 0) return receiver;
  }
}
