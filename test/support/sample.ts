import { randomInt } from 'node:crypto';

/** Seed of this run's samples: ECS_TEST_SEED, which ./scripts/test sets and prints, else a new one. */
export function testSeed(): number {
  const given = Number(process.env.ECS_TEST_SEED);
  return Number.isInteger(given) && given > 0 ? given : randomInt(1, 2 ** 31);
}

/** Whether everything is to run, not a sample (`./scripts/test --full`). */
export function isFullRun(): boolean {
  return process.env.ECS_TEST_FULL === '1';
}

/**
 * `count` of the items, chosen by the seed, in their order; all of them in a full run. Put the seed into the
 * test's name or message, so that a failure can be run again.
 */
export function sampleOf<T>(items: readonly T[], count: number, seed: number = testSeed()): readonly T[] {
  if (isFullRun() || items.length <= count) return items;
  const random = randomFrom(seed);
  const chosen = items
    .map((_, index) => ({ index, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ index }) => index);
  return items.filter((_, index) => chosen.includes(index));
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
