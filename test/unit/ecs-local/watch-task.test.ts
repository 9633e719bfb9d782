import { expect, it } from 'vitest';
import { describeProgress } from '../../../src/ecs-local/watch-task.ts';

const progress = { bytesDone: 12_000_000, bytesTotal: 80_000_000, layersUnpacked: 1, layersTotal: 3 };

it.each([
  [progress, /^\S+ \wi?B of \S+ \wi?B, 1 of 3 layers unpacked$/],
  [
    { ...progress, bytesPerSecond: 8_500_000, secondsLeft: 8 },
    /^\S+ \wi?B of \S+ \wi?B at \S+ \wi?B\/s, 8 s left, 1 of 3 layers unpacked$/,
  ],
  [
    { ...progress, bytesDone: 80_000_000, bytesPerSecond: 8_500_000, secondsLeft: 0 },
    /^\S+ \wi?B of \S+ \wi?B, 1 of 3 layers unpacked$/,
  ],
])('tells how far a pull is, how fast, and how long it takes yet: %j', (document, text) => {
  expect(describeProgress(document)).toMatch(text);
});
