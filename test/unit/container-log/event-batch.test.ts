import { describe, expect, test } from 'vitest';
import { EventBatch } from '../../../src/container-log/service/awslogs/event-batch.ts';
import { GrowingBuffer } from '../../../src/container-log/service/send-slots.ts';

const HOUR_MS = 60 * 60 * 1000;

/** A batch and what it sends. */
function open(limitBytes = 1_048_576) {
  const sent: { timestamp: number; message: string }[] = [];
  const slot = { buffer: new GrowingBuffer(16), limitBytes, release: () => {} };
  const batch = new EventBatch(slot, Buffer.from('{"logEvents":['), async (body) => {
    sent.push(...JSON.parse(body.toString()).logEvents);
    return { rejected: 0 };
  });
  const add = (text: string, ms: number) =>
    batch.add({ stream: 'stdout', time: BigInt(ms) * 1_000_000n, bytes: Buffer.from(text) });
  return { batch, add, sent };
}

describe('a batch of events', () => {
  test('is in the order of time, equal times in that of arrival (LOG-62, LOG-147)', async () => {
    const { batch, add, sent } = open();
    for (const [text, ms] of [
      ['c', 3],
      ['a1', 1],
      ['b', 2],
      ['a2', 1],
    ] as const)
      add(text, ms);
    await batch.send(AbortSignal.timeout(1000));
    expect(sent.map(({ message }) => message)).toEqual(['a1', 'a2', 'b', 'c']);
  });

  test('spans 24 hours at most (LOG-63)', () => {
    const { add } = open();
    const now = Date.now();
    expect(add('now', now)).toBe(true);
    expect(add('a day before', now - 24 * HOUR_MS)).toBe(true);
    expect(add('more', now + 1)).toBe(false);
    expect(add('less', now - 24 * HOUR_MS - 1)).toBe(false);
  });

  test('has 10000 events and 1048576 bytes at most, 26 more each than its text (LOG-144, LOG-60)', () => {
    const many = open();
    let events = 0;
    while (many.add('x', 1)) events += 1;
    expect(events).toBe(10_000);
    const large = open();
    let bytes = 0;
    while (large.add('y'.repeat(1000 - 26), 1)) bytes += 1000;
    expect(bytes).toBe(1_048_000);
    expect(large.add('z'.repeat(576 - 26), 1)).toBe(true);
    expect(large.add('z', 1)).toBe(false);
  });

  test('takes one event whatever its room', () => {
    const { add } = open(10);
    expect(add('much longer than ten', 1)).toBe(true);
    expect(add('x', 1)).toBe(false);
  });
});
