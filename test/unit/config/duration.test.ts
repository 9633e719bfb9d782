import { expect, it } from 'vitest';
import { parseDuration } from '../../../src/config/duration.ts';

it.each([
  ['300ms', 300],
  ['1.5h', 5_400_000],
  ['2h45m', 9_900_000],
  ['-5s', -5_000],
  ['+1m', 60_000],
  ['.5s', 500],
  ['1us', 0.001],
  ['1µs', 0.001],
  ['1000000ns', 1],
  ['0', 0],
  ['', undefined],
  ['5', undefined],
  ['5d', undefined],
  ['s', undefined],
  ['1 s', undefined],
  ['1s 2m', undefined],
])('reads the duration "%s" as %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
