import { expect, it } from 'vitest';
import { LayerFetches } from '../../../../../src/runtime/containerd/images/layer-fetches.ts';

const layer = (digest: string) => ({ mediaType: '', digest, size: 1 });

/** Fetches that end when they are told to. */
function bench(...digests: readonly string[]) {
  const begun: string[] = [];
  const failures: unknown[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  const fetches = new LayerFetches(
    digests.map(layer),
    async ({ digest }) => {
      begun.push(digest);
      const end = Promise.withResolvers<void>();
      ends.set(digest, end);
      await end.promise;
    },
    (error) => failures.push(error),
  );
  const end = async (digest: string) => {
    ends.get(digest)?.resolve();
    await fetches.arrived(digest);
    await Promise.resolve();
  };
  return { begun, failures, fetches, end, fail: (digest: string) => ends.get(digest)?.reject('gone') };
}

it('three layers are fetched at a time, from the bottom, each once', async () => {
  const { begun, end, fetches } = bench('a', 'b', 'a', 'c', 'd');
  fetches.start(new Set());
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('b');
  expect(begun).toEqual(['a', 'b', 'c', 'd']);
  for (const digest of ['a', 'c', 'd']) await end(digest);
  await fetches.settled();
});

it('layers that were left out are fetched when they are needed after all (CTD-90)', async () => {
  const { begun, end, fetches } = bench('a', 'b', 'c');
  fetches.start(new Set(['b', 'c']));
  await end('a');
  await fetches.settled();
  expect(begun).toEqual(['a']);
  fetches.start(new Set(['c']));
  expect(begun).toEqual(['a', 'b']);
  fetches.start(new Set());
  expect(begun).toEqual(['a', 'b', 'c']);
  await end('b');
  await end('c');
  await fetches.settled();
});

it('nothing is begun after a failure', async () => {
  const { begun, fail, failures, fetches } = bench('a', 'b', 'c', 'd', 'e');
  fetches.start(new Set(['e']));
  fail('a');
  await expect(fetches.arrived('a')).rejects.toBe('gone');
  fetches.start(new Set());
  expect(begun).toEqual(['a', 'b', 'c']);
  expect(failures).toEqual(['gone']);
});
