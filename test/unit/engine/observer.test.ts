import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Observer } from '../../../src/engine/observer.ts';
import { EngineWorld } from './engine-world.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An observer of a runtime without containers, and how often it has looked. */
function observing() {
  const world = new EngineWorld();
  let looks = 0;
  let sweeps = 0;
  const sweep = Promise.withResolvers<void>();
  const aborter = new AbortController();
  const observer = new Observer(
    {
      ports: world.ports({}),
      logger: pino({ level: 'silent' }),
      known: () => new Map(),
      onListed: () => {
        looks += 1;
      },
      sweep: () => {
        sweeps += 1;
        return sweep.promise;
      },
    },
    aborter.signal,
  );
  const running = observer.run();
  const end = async () => {
    sweep.resolve();
    aborter.abort();
    await running;
  };
  return { world, observer, looks: () => looks, sweeps: () => sweeps, sweep, end };
}

describe('looks at all containers', () => {
  it('come every 5 minutes and up to 30 seconds more (ENG-81)', async () => {
    const o = observing();
    await vi.advanceTimersByTimeAsync(299_999);
    expect(o.looks()).toBe(0);
    await vi.advanceTimersByTimeAsync(30_001);
    expect(o.looks()).toBe(1);
    await vi.advanceTimersByTimeAsync(330_000);
    expect(o.looks()).toBe(2);
    await o.end();
  });

  it('come when they are asked for, also while one is under way', async () => {
    const o = observing();
    o.observer.ask();
    await vi.advanceTimersByTimeAsync(0);
    expect(o.looks()).toBe(1);
    const answer = Promise.withResolvers<void>();
    o.world.runtime.onCall('list', () => answer.promise);
    o.observer.ask();
    await vi.advanceTimersByTimeAsync(0);
    o.observer.ask();
    answer.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(o.looks()).toBe(3);
    await o.end();
  });

  it('do not wait for a sweep that takes long, and no second one begins beside it', async () => {
    const o = observing();
    for (const n of [1, 2, 3]) {
      o.observer.ask();
      await vi.advanceTimersByTimeAsync(0);
      expect(o.looks()).toBe(n);
    }
    expect(o.sweeps()).toBe(1);
    await o.end();
  });
});
