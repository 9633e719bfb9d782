import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryStore } from '../../../src/store/memory-store.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import {
  META_KEYS,
  type MetaKey,
  type QueuedReport,
  type Store,
  type StoreChange,
  TIMELINE_LIMIT,
} from '../../../src/store/store.ts';
import type { ImageUse } from '../../../src/task/image-use.ts';
import type { TaskState } from '../../../src/task/task-state.ts';
import type { Transition } from '../../../src/task/timeline.ts';
import { arnOf, sampleReport, sampleTask } from './sample-task.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecs-test-store-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const byArn = (a: TaskState, b: TaskState) => (a.spec.arn < b.spec.arn ? -1 : 1);

/** The n-th of many restarts. */
function sampleMove(n: number): Transition {
  return {
    at: n,
    container: 'app',
    what: 'restart',
    from: `run ${n}`,
    to: `run ${n + 1}`,
    lasted: 1,
    why: 'tick',
  };
}

/** Deletions name the n-th report ever enqueued, whether or not it is there any more. */
type Act =
  | Exclude<StoreChange, { kind: 'deleteReport' | 'appendTimeline' }>
  | { readonly kind: 'deleteNthReport'; readonly n: number };

const taskId = fc.constantFrom('t1', 't2', 't3');
const metaKey = fc.constantFrom(...META_KEYS);
const anyAct: fc.Arbitrary<Act> = fc.oneof(
  fc.record({
    kind: fc.constant('putTask' as const),
    task: fc.tuple(taskId, fc.nat()).map(([id, knownAt]) => sampleTask(id, { knownAt })),
  }),
  fc.record({ kind: fc.constant('deleteTask' as const), arn: taskId.map(arnOf) }),
  fc.record({
    kind: fc.constant('enqueueReport' as const),
    report: fc.tuple(taskId, fc.string()).map(([id, reason]) => sampleReport(id, reason)),
  }),
  fc.record({ kind: fc.constant('deleteNthReport' as const), n: fc.nat(10) }),
  fc.record({ kind: fc.constant('putMeta' as const), key: metaKey, value: fc.string() }),
  fc.record({ kind: fc.constant('deleteMeta' as const), key: metaKey }),
  fc.record({
    kind: fc.constant('putImage' as const),
    image: fc.record({
      imageId: fc.constantFrom('i1', 'i2'),
      names: fc.array(fc.string()),
      sizeBytes: fc.nat(),
      pulledAt: fc.nat(),
      lastUsedAt: fc.nat(),
    }),
  }),
  fc.record({ kind: fc.constant('deleteImage' as const), imageId: fc.constantFrom('i1', 'i2') }),
);

describe.each([
  ['memory', () => memoryStore()],
  ['SQLite', () => openStore(mkdtempSync(join(directory, 'data-')))],
])('the %s store', (_, open) => {
  test('is empty at first', async () => {
    const store = open();
    expect(await store.load()).toEqual({
      tasks: [],
      outbox: [],
      attachments: [],
      meta: new Map(),
      images: [],
      quarantined: [],
    });
    await store.close();
  });

  test('applies commits that arrive together in the order of their calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.array(anyAct)), { maxLength: 4 }), async (bursts) => {
        const store = open();
        try {
          await expectSameAsModel(store, bursts);
        } finally {
          await store.close();
        }
      }),
      { numRuns: 50 },
    );
  });

  test('keeps the moves of a task until the task goes, the newest of many', async () => {
    const store = open();
    const moves = Array.from({ length: TIMELINE_LIMIT + 3 }, (_, n) => sampleMove(n));
    const append = (transitions: readonly Transition[]) =>
      store.commit([{ kind: 'appendTimeline', arn: arnOf('t1'), transitions }]);
    await append(moves.slice(0, 2));
    expect(await store.timeline(arnOf('t1'))).toEqual(moves.slice(0, 2));
    await append(moves.slice(2));
    expect(await store.timeline(arnOf('t1'))).toEqual(moves.slice(3));
    expect(await store.timeline(arnOf('t2'))).toEqual([]);
    await store.commit([{ kind: 'deleteTask', arn: arnOf('t1') }]);
    expect(await store.timeline(arnOf('t1'))).toEqual([]);
    await store.close();
  });

  test('never gives an outbox id twice', async () => {
    const store = open();
    const [first] = await store.commit([{ kind: 'enqueueReport', report: sampleReport('t1', 'a') }]);
    await store.commit([{ kind: 'deleteReport', id: first ?? -1 }]);
    const [second] = await store.commit([{ kind: 'enqueueReport', report: sampleReport('t1', 'b') }]);
    expect(second).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY);
    await store.close();
  });

  test('refuses commits after its close, which waits for those before it', async () => {
    const store = open();
    const last = store.commit([{ kind: 'putMeta', key: 'cluster-name', value: 'c' }]);
    const closed = store.close();
    await expect(store.commit([])).rejects.toMatchObject({ name: 'StoreError', code: 'closed' });
    await expect(last).resolves.toEqual([]);
    await closed;
    await store.close();
  });
});

/** Runs each burst of commits at once and compares what is stored then with a model that runs them one by one. */
async function expectSameAsModel(store: Store, bursts: readonly (readonly (readonly Act[])[])[]) {
  const tasks = new Map<string, TaskState>();
  const meta = new Map<MetaKey, string>();
  const images = new Map<string, ImageUse>();
  const enqueued: QueuedReport[] = [];
  const deleted = new Set<number>();
  for (const burst of bursts) {
    const known = [...enqueued];
    const commits = burst.map((acts) =>
      store.commit(
        acts.map((act) =>
          act.kind === 'deleteNthReport' ? { kind: 'deleteReport', id: known[act.n]?.id ?? 0 } : act,
        ),
      ),
    );
    const ids = await Promise.all(commits);
    burst.forEach((acts, index) => {
      const given = [...(ids[index] ?? [])];
      for (const act of acts) {
        if (act.kind === 'putTask') tasks.set(act.task.spec.arn, act.task);
        if (act.kind === 'deleteTask') tasks.delete(act.arn);
        if (act.kind === 'putMeta') meta.set(act.key, act.value);
        if (act.kind === 'deleteMeta') meta.delete(act.key);
        if (act.kind === 'putImage') images.set(act.image.imageId, act.image);
        if (act.kind === 'deleteImage') images.delete(act.imageId);
        if (act.kind === 'enqueueReport') enqueued.push({ id: given.shift() ?? -1, report: act.report });
        if (act.kind === 'deleteNthReport') deleted.add(known[act.n]?.id ?? 0);
      }
      expect(given).toEqual([]);
    });
    const growing = enqueued.every(({ id }, index) => index === 0 || id > (enqueued[index - 1]?.id ?? 0));
    expect(growing).toBe(true);
    const state = await store.load();
    const outbox = enqueued.filter(({ id }) => !deleted.has(id));
    expect(state.outbox).toEqual(outbox);
    const expected = [...tasks.values()].map((task) => ({
      ...task,
      unsettledReports: outbox.filter(({ report }) => report.task === task.spec.arn).length,
    }));
    expect([...state.tasks].sort(byArn)).toEqual(expected.sort(byArn));
    expect(state.meta).toEqual(meta);
    expect(new Map(state.images.map((image) => [image.imageId, image]))).toEqual(images);
  }
}
