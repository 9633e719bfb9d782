import { expect, it } from 'vitest';
import { describeLaziness } from '../../../src/task/laziness.ts';

it.each([
  [{ lazyLayers: 3, layers: 5 }, 'lazily, 3 of 5 layers'],
  [{ lazyLayers: 0, layers: 5, inFull: 'it is small' }, 'in full because it is small'],
  [
    { lazyLayers: 1, layers: 5, inFull: 'the snapshotter does not take it' },
    'lazily, 1 of 5 layers, the rest in full because the snapshotter does not take it',
  ],
])('a pull is told to have been lazy, or why it was not: %o', (laziness, text) => {
  expect(describeLaziness(laziness)).toBe(text);
});
