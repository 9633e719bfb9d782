import { expect, it } from 'vitest';
import { ChunkBuffers } from '../../../../src/image/registry/chunk-buffers.ts';

const BYTES = 1 << 20;

it('uses what was given back again, as long as anything is lent', () => {
  const buffers = new ChunkBuffers(BYTES);
  const [first, second] = [buffers.take(), buffers.take()];
  buffers.giveBack(first);
  expect(buffers.take()).toBe(first);
  expect(buffers.take()).not.toBe(second);
});

it('frees all memory when nothing is lent any more, but not what was lost (CTD-48)', () => {
  const buffers = new ChunkBuffers(BYTES);
  const [first, second, third] = [buffers.take(), buffers.take(), buffers.take()];
  const before = process.memoryUsage().arrayBuffers;
  buffers.giveBack(first);
  buffers.lose();
  expect([first.length, second.length]).toEqual([BYTES, BYTES]);
  buffers.giveBack(third);
  expect([first.length, second.length, third.length]).toEqual([0, BYTES, 0]);
  expect(before - process.memoryUsage().arrayBuffers).toBeGreaterThanOrEqual(2 * BYTES);
  expect(buffers.take().length).toBe(BYTES);
});
