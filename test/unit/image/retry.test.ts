import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/async/backoff.ts';
import { RegistryError } from '../../../src/image/registry/registry-error.ts';
import { MANIFEST_RETRY, PULL_RETRY, retrying } from '../../../src/image/retry.ts';

const delays = (policy: typeof PULL_RETRY, random: number) => {
  const backoff = new Backoff(policy.backoff, () => random);
  return Array.from({ length: policy.attempts - 1 }, () => Math.round(backoff.next()));
};
const { signal } = new AbortController();
const quick = { attempts: 3, backoff: { minMs: 1, maxMs: 2, factor: 2, jitter: 0 } };

describe('the waits between tries', () => {
  it('of a pull grow from 1.1 s to 5 s, doubled, with a jitter of a fifth (ENG-22)', () => {
    expect(delays(PULL_RETRY, 0)).toEqual([1100, 2200, 4400, 5000]);
    expect(delays(PULL_RETRY, 1)).toEqual([1320, 2640, 5280, 6000]);
  });

  it('of a manifest grow from 10 ms to 5 s, tripled, nine tries within a minute (ENG-99)', () => {
    expect(delays(MANIFEST_RETRY, 0)).toEqual([10, 30, 90, 270, 810, 2430, 5000, 5000]);
    expect(delays(MANIFEST_RETRY, 1)[0]).toBe(12);
    expect(MANIFEST_RETRY.withinMs).toBe(60_000);
  });
});

describe('retrying', () => {
  it('gives up after the last try with its error', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw new Error(`try ${tries}`);
    };
    await expect(retrying(quick, () => true, signal, work)).rejects.toThrow('try 3');
  });

  it('does not repeat what has failed for good', async () => {
    let tries = 0;
    const work = async () => {
      tries += 1;
      throw new Error('for good');
    };
    await expect(retrying(quick, () => false, signal, work)).rejects.toThrow('for good');
    expect(tries).toBe(1);
  });

  it('counts afresh after progress', async () => {
    let tries = 0;
    const done = retrying(
      quick,
      () => true,
      signal,
      async ({ progressed }) => {
        tries += 1;
        if (tries < 10) progressed();
        if (tries < 11) throw new Error('cut');
        return tries;
      },
    );
    expect(await done).toBe(11);
  });

  it('waits no longer than is sensible for a registry that asks for time', async () => {
    const failure = { host: 'h', repository: 'r', status: 429, code: 'X', detail: 'd' };
    const work = async () => {
      throw new RegistryError({ ...failure, retryAfterMs: 61_000 });
    };
    await expect(retrying(quick, () => true, signal, work)).rejects.toMatchObject({ status: 429 });
  });

  it('ends a wait with the reason of its signal', async () => {
    const controller = new AbortController();
    const slow = { attempts: 2, backoff: { minMs: 60_000, maxMs: 60_000, factor: 1, jitter: 0 } };
    const work = async () => {
      queueMicrotask(() => controller.abort(new Error('stop')));
      throw new Error('once');
    };
    await expect(retrying(slow, () => true, controller.signal, work)).rejects.toThrow('stop');
  });
});
