import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runInMachine } from './run-in-machine.ts';

const TIMEOUT_MS = 1_200_000;
const DELAY_MS = 5_000;
const ms = z.number().nullable();
const seenSchema = z.object({
  problem: z.string().nullable(),
  during: z.object({
    started: z.string(),
    status: z.string(),
    otherStatus: z.string(),
    again: z.unknown(),
    other: z.unknown(),
    tree: z.string(),
    hostUnchanged: z.boolean(),
    sourceMs: ms,
    filteredMs: ms,
    otherMs: ms,
  }),
  after: z.object({ stopped: z.string(), status: z.string(), restored: z.boolean(), sourceMs: ms }),
  loss: z.object({ status: z.string(), again: z.unknown(), tree: z.string() }),
  lost: z.object({ source: ms, filtered: ms, other: ms }),
  afterLoss: z.object({ source: ms, restored: z.boolean() }),
  asked: z.object({
    latency: z.unknown(),
    state: z.unknown(),
    conflict: z.unknown(),
    sourceMs: ms,
    stopped: z.unknown(),
    loss: z.unknown(),
    lossTree: z.string(),
    lossStopped: z.unknown(),
    failures: z.array(z.string()),
  }),
});
type Seen = z.infer<typeof seenSchema>;

/** Every fault is made in a task's network namespace of a real kernel. */
describe('faults that delay and lose packets', () => {
  let seen: Seen;
  beforeAll(async () => {
    const output = await runInMachine('test/vm/faults.guest.ts', TIMEOUT_MS);
    const line = output.split('\n').find((one) => one.startsWith('{')) ?? '';
    seen = seenSchema.parse(JSON.parse(line));
  }, TIMEOUT_MS);

  it('can be made on a kernel that has netem, and the host says so', () => {
    expect(seen.problem).toBeNull();
    expect(seen.during).toMatchObject({ started: 'running', status: 'running', otherStatus: 'not-running' });
  });

  it('are a tree of classes of which as many as asked for have netem (TMDS-66)', () => {
    const handles = (tree: string, kind: string) =>
      [...tree.matchAll(new RegExp(`^qdisc ${kind} ([0-9a-f]+): (?:root|parent ([0-9a-f:]+))`, 'gm'))].map(
        ([, handle, parent = 'root']) => `${handle} ${parent}`,
      );
    const leaves = Array.from({ length: 10 }, (_, n) => `${100 + n} 10:${(n + 1).toString(16)}`);
    expect(handles(seen.during.tree, 'prio').sort()).toEqual(['1 root', '10 1:1', ...leaves].sort());
    expect(handles(seen.during.tree, 'netem')).toHaveLength(100);
    expect(handles(seen.loss.tree, 'netem')).toHaveLength(12);
    expect(seen.during.tree).toMatch(new RegExp(`netem 200: .*delay ${DELAY_MS / 1000}s`));
    expect(seen.loss.tree).toMatch(/netem 20b: .*loss 100%|netem 211: .*loss 100%/);
  });

  it('delay what goes to the sources, and nothing else (TMDS-123, TMDS-124, TMDS-67)', () => {
    const { sourceMs, filteredMs, otherMs } = seen.during;
    expect(sourceMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect(filteredMs).toBeLessThan(DELAY_MS);
    expect(otherMs).toBeLessThan(DELAY_MS);
  });

  it('lose what goes to the sources, and nothing else, until they are stopped', () => {
    const { source, filtered, other } = seen.lost;
    expect(source).toBeNull();
    expect(filtered).not.toBeNull();
    expect(other).not.toBeNull();
    expect(seen.afterLoss).toMatchObject({ source: expect.any(Number), restored: true });
  });

  it('are one at a time (TMDS-68)', () => {
    const running = { running: 'network-latency' };
    expect([seen.during.again, seen.during.other]).toEqual([running, running]);
    expect(seen.loss).toMatchObject({ status: 'running', again: { running: 'network-packet-loss' } });
  });

  it('come and go by the requests of a task, each in its time (TMDS-123, TMDS-125, TMDS-68)', () => {
    const { asked } = seen;
    expect(asked.failures).toEqual([]);
    expect([asked.latency, asked.state, asked.stopped]).toEqual([
      [200, { Status: 'running' }],
      [200, { Status: 'running' }],
      [200, { Status: 'stopped' }],
    ]);
    expect(asked.conflict).toEqual([409, { Error: 'There is already one network latency fault running' }]);
    expect(asked.sourceMs).toBeGreaterThanOrEqual(DELAY_MS);
    expect([asked.loss, asked.lossStopped]).toEqual([
      [200, { Status: 'running' }],
      [200, { Status: 'stopped' }],
    ]);
    expect(asked.lossTree.match(/^qdisc netem .* loss 100%/gm)).toHaveLength(12);
  });

  it('are gone after the stop (TMDS-69, TMDS-125)', () => {
    expect(seen.after).toMatchObject({ stopped: 'stopped', status: 'not-running', restored: true });
    expect(seen.after.sourceMs).toBeLessThan(DELAY_MS);
  });

  it('leave links of the host as they are (TMDS-126)', () => {
    expect(seen.during.hostUnchanged).toBe(true);
  });
});
