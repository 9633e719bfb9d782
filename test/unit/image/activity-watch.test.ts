import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ActivityWatch } from '../../../src/image/activity-watch.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function watching(stillMoving: () => boolean = () => false) {
  const events: string[] = [];
  const watch = new ActivityWatch(
    { beginMs: 300, inactivityMs: 100 },
    {
      stillMoving: async () => stillMoving(),
      onNeverBegun: () => events.push('never begun'),
      onInactive: () => events.push('inactive'),
    },
  );
  return { watch, events };
}

it('notices that nothing ever begins, after the longer time (ENG-23)', async () => {
  const { events } = watching();
  await vi.advanceTimersByTimeAsync(299);
  expect(events).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events).toEqual(['never begun']);
});

it('notices a standstill, counted from the last sign of life (ENG-24)', async () => {
  const { watch, events } = watching();
  for (let n = 0; n < 5; n += 1) {
    watch.touch();
    await vi.advanceTimersByTimeAsync(99);
  }
  expect(events).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(events).toEqual(['inactive']);
});

it('takes work that tells nothing for life while it moves', async () => {
  let moving = true;
  const { watch, events } = watching(() => moving);
  watch.touch();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(events).toEqual([]);
  moving = false;
  await vi.advanceTimersByTimeAsync(100);
  expect(events).toEqual(['inactive']);
});

it('says nothing once it is disposed of', async () => {
  const { watch, events } = watching();
  watch.touch();
  watch[Symbol.dispose]();
  watch.touch();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(events).toEqual([]);
});
