import { expect, it } from 'vitest';
import { SharedWork } from '../../../src/image/shared-work.ts';

const never = new AbortController().signal;

it('runs work of one key once, and tells all who wait its progress and result', async () => {
  const shared = new SharedWork<number, string>();
  const gate = Promise.withResolvers<string>();
  let runs = 0;
  const told: number[][] = [[], []];
  const join = (n: number) =>
    shared.join(
      'key',
      { signal: never, onProgress: (progress) => told[n]?.push(progress) },
      async (_, publish) => {
        runs += 1;
        publish(1);
        await gate.promise;
        publish(2);
        return await gate.promise;
      },
    );
  const both = [join(0), join(1)];
  gate.resolve('done');
  expect(await Promise.all(both)).toEqual(['done', 'done']);
  expect(runs).toBe(1);
  expect(told).toEqual([
    [1, 2],
    [1, 2],
  ]);
});

it('runs again for those who come after its end, whether it failed or not', async () => {
  const shared = new SharedWork<never, number>();
  let runs = 0;
  const join = () =>
    shared.join('key', { signal: never }, async () => {
      runs += 1;
      if (runs === 1) throw new Error('first');
      return runs;
    });
  await expect(join()).rejects.toThrow('first');
  expect(await join()).toBe(2);
  expect(await join()).toBe(3);
});

it('goes on while anybody waits, and is aborted with the last, who waits for its clean-up', async () => {
  const shared = new SharedWork<never, void>();
  const steps: string[] = [];
  const cleaned = Promise.withResolvers<void>();
  const [first, last] = [new AbortController(), new AbortController()];
  const started = Promise.withResolvers<void>();
  const join = (signal: AbortSignal) =>
    shared.join('key', { signal }, async (aborted) => {
      started.resolve();
      await new Promise((resolve) => aborted.addEventListener('abort', resolve));
      steps.push('aborted');
      await cleaned.promise;
      steps.push('clean');
      throw aborted.reason;
    });
  const [a, b] = [join(first.signal), join(last.signal)];
  await started.promise;
  const firstLeft = expect(a).rejects.toThrow('first leaves');
  first.abort(new Error('first leaves'));
  await firstLeft;
  expect(steps).toEqual([]);
  const lastLeft = expect(b).rejects.toThrow('last leaves');
  last.abort(new Error('last leaves'));
  cleaned.resolve();
  await lastLeft;
  expect(steps).toEqual(['aborted', 'clean']);
});

it('close aborts what runs and waits for it', async () => {
  const shared = new SharedWork<never, void>();
  const steps: string[] = [];
  const started = Promise.withResolvers<void>();
  const joined = shared.join('key', { signal: never }, async (aborted) => {
    started.resolve();
    await new Promise((resolve) => aborted.addEventListener('abort', resolve));
    steps.push('clean');
    throw aborted.reason;
  });
  const ended = expect(joined).rejects.toThrow('stopping');
  await started.promise;
  await shared.close(new Error('stopping'));
  expect(steps).toEqual(['clean']);
  await ended;
});
