import { describe, expect, it } from 'vitest';
import { SharedWork } from '../../../src/async/shared-work.ts';

describe('work whose result many want', () => {
  function countedWork() {
    const ends: PromiseWithResolvers<void>[] = [];
    const shared = new SharedWork(async () => {
      const end = Promise.withResolvers<void>();
      const number = ends.push(end);
      await end.promise;
      return number;
    });
    return { shared, ends };
  }

  it('is done once for all who ask together, and again for those who ask while it is under way', async () => {
    const { shared, ends } = countedWork();
    const first = [shared.next(), shared.next()];
    await expect.poll(() => ends.length).toBe(1);
    const second = [shared.next(), shared.next(), shared.next()];
    ends[0]?.resolve();
    expect(await Promise.all(first)).toEqual([1, 1]);
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.resolve();
    expect(await Promise.all(second)).toEqual([2, 2, 2]);
  });

  it('fails for those who asked for it, and not for the next', async () => {
    const { shared, ends } = countedWork();
    const first = shared.next();
    await expect.poll(() => ends.length).toBe(1);
    const second = shared.next();
    ends[0]?.reject(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    await expect.poll(() => ends.length).toBe(2);
    ends[1]?.resolve();
    expect(await second).toBe(2);
  });
});
