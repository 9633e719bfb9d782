import { afterEach, describe, expect, it, vi } from 'vitest';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import { PollEndpointCache } from '../../../src/ecs/poll-endpoints.ts';

const HALF_DAY = 12 * 3_600_000;
const signal = new AbortController().signal;
const failure = new EcsApiError('ServerException', 'no', 500);

afterEach(() => {
  vi.useRealTimers();
});

/** A cache over answers numbered from 1; `broken` makes look-ups fail. */
function world() {
  const state = { now: 0, calls: 0, broken: false };
  const cache = new PollEndpointCache(() => state.now);
  const get = (key = 'arn:1') =>
    cache.get(key, signal, async () => {
      state.calls++;
      if (state.broken) throw failure;
      return { acs: `https://acs-${state.calls}` };
    });
  return { state, get };
}

describe('poll endpoints', () => {
  it('are kept for 12 h (ACS-02, ECS-59)', async () => {
    const { state, get } = world();
    await get();
    state.now = HALF_DAY - 1;
    expect((await get()).acs).toBe('https://acs-1');
    state.now = HALF_DAY;
    expect((await get()).acs).toBe('https://acs-2');
  });

  it('past their time still serve when no others can be had (ACS-03, ECS-98)', async () => {
    const { state, get } = world();
    await get();
    state.now = HALF_DAY;
    state.broken = true;
    expect((await get()).acs).toBe('https://acs-1');
    state.broken = false;
    expect((await get()).acs).toBe('https://acs-3');
  });

  it('that were never had are the error of the look-up', async () => {
    const { state, get } = world();
    state.broken = true;
    await expect(get()).rejects.toBe(failure);
  });

  it('are asked for once by callers that come together', async () => {
    const { state, get } = world();
    expect(await Promise.all([get(), get()])).toEqual([{ acs: 'https://acs-1' }, { acs: 'https://acs-1' }]);
    expect(state.calls).toBe(1);
  });

  it('are kept for each container instance', async () => {
    const { get } = world();
    await get();
    expect((await get('arn:2')).acs).toBe('https://acs-2');
  });

  it('are waited for 126 s at most', async () => {
    vi.useFakeTimers();
    const cache = new PollEndpointCache();
    const look = cache
      .get('arn:1', signal, () => new Promise(() => undefined))
      .catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(125_999);
    const early = await Promise.race([look, Promise.resolve('waiting')]);
    await vi.advanceTimersByTimeAsync(1);
    expect(early).toBe('waiting');
    expect(await look).toMatchObject({ name: 'EcsApiError', code: 'NetworkError' });
  });
});
