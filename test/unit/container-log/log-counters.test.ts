import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type DropNotice, LogCounters } from '../../../src/container-log/service/log-counters.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('drops', () => {
  test('are told at once, then once a minute with what came since (LOG-168, LOG-82)', () => {
    const told: DropNotice[] = [];
    const counters = new LogCounters((notice) => told.push(notice));
    counters.drop('disk', 1, 10);
    expect(told).toEqual([{ reason: 'disk', lines: 1, bytes: 10 }]);
    counters.drop('disk', 2, 20);
    counters.drop('disk', 3, 30);
    vi.advanceTimersByTime(59_999);
    expect(told).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(told.slice(1)).toEqual([{ reason: 'disk', lines: 5, bytes: 50 }]);
    vi.advanceTimersByTime(600_000);
    expect(told).toHaveLength(2);
    counters.drop('ring', 1, 1);
    expect(told).toHaveLength(3);
    expect(counters.statistics(0).dropped).toEqual({
      disk: { lines: 6, bytes: 60 },
      ring: { lines: 1, bytes: 1 },
      rejected: { lines: 0, bytes: 0 },
      abandoned: { lines: 0, bytes: 0 },
    });
    counters.close();
    expect(vi.getTimerCount()).toBe(0);
  });
});
