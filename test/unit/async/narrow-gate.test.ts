import { describe, expect, it } from 'vitest';
import { sleep } from '../../../src/async/deadline.ts';
import { NarrowGate } from '../../../src/async/narrow-gate.ts';

const { signal } = new AbortController();
const HOUR_MS = 3_600_000;
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Work that is done when it is told to, and what has begun so far. */
function works() {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const work = (name: string) => async () => {
    begun.push(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    ends.set(name, resolve);
    await promise;
    return name;
  };
  return { begun, work, end: (name: string) => ends.get(name)?.() };
}

describe('a narrow gate', () => {
  it('lets so many through at once, in the order of their arrival', async () => {
    const gate = new NarrowGate(2, HOUR_MS);
    const { begun, work, end } = works();
    const runs = ['a', 'b', 'c', 'd'].map((name) => gate.run(signal, work(name)));
    expect(begun).toEqual(['a', 'b']);
    end('b');
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const name of ['a', 'c']) end(name);
    await turn();
    end('d');
    expect(await Promise.all(runs)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('lets the next one in when work fails', async () => {
    const gate = new NarrowGate(1, HOUR_MS);
    const failing = gate.run(signal, () => Promise.reject(new Error('no')));
    const next = gate.run(signal, async () => 'next');
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('next');
  });

  it('waits for one that hangs no longer than its patience', async () => {
    const gate = new NarrowGate(1, 5);
    const { work, end } = works();
    const hanging = gate.run(signal, work('hanging'));
    expect(await gate.run(signal, async () => 'next')).toBe('next');
    end('hanging');
    await hanging;
    expect(await gate.run(signal, async () => 'last')).toBe('last');
  });

  it('has patience with work that is slow as all of it is', async () => {
    const gate = new NarrowGate(1, 5);
    const slow = (ms: number) => async () => await sleep(ms);
    await gate.run(signal, slow(40));
    const began = performance.now();
    const second = gate.run(signal, slow(60));
    const third = gate.run(signal, async () => performance.now() - began);
    await second;
    expect(await third).toBeGreaterThan(55);
  });

  it('forgets one that gives up while it waits', async () => {
    const gate = new NarrowGate(1, HOUR_MS);
    const { begun, work, end } = works();
    const first = gate.run(signal, work('first'));
    const impatient = new AbortController();
    const second = gate.run(impatient.signal, work('second'));
    const third = gate.run(signal, async () => 'third');
    impatient.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    end('first');
    await first;
    expect(await third).toBe('third');
    expect(begun).toEqual(['first']);
  });
});
