import { describe, expect, it } from 'vitest';
import { SerialWork } from '../../../../src/runtime/containerd/serial-work.ts';

describe('serial work', () => {
  it('runs one after another on a key, in order, whatever fails, and other keys beside it', async () => {
    const work = new SerialWork<string>();
    const order: string[] = [];
    const gate = Promise.withResolvers<void>();
    const first = work.run('a', async () => {
      await gate.promise;
      order.push('a1');
      throw new Error('a1 failed');
    });
    const failed = expect(first).rejects.toThrow('a1 failed');
    const second = work.run('a', async () => order.push('a2'));
    await work.run('b', async () => order.push('b1'));
    gate.resolve();
    await failed;
    await second;
    expect(order).toEqual(['b1', 'a1', 'a2']);
  });
});
