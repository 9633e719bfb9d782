import { describe, expect, it } from 'vitest';
import { parseHealthCheck } from '../../../src/acs/health-check.ts';

describe('a Healthcheck of the Docker configuration', () => {
  it('is read with its times in nanoseconds', () => {
    const value = { Test: ['CMD', 'probe', '-x'], Interval: 5e9, Timeout: 2e9, StartPeriod: 1e9, Retries: 7 };
    expect(parseHealthCheck(value)).toEqual({
      kind: 'check',
      check: {
        command: ['probe', '-x'],
        intervalMs: 5_000,
        timeoutMs: 2_000,
        startPeriodMs: 1_000,
        retries: 7,
      },
    });
  });

  it('has defaults where it says nothing or zero, and a shell for CMD-SHELL', () => {
    expect(parseHealthCheck({ Test: ['CMD-SHELL', 'exit 0'], Interval: 0 })).toEqual({
      kind: 'check',
      check: {
        command: ['/bin/sh', '-c', 'exit 0'],
        intervalMs: 30_000,
        timeoutMs: 30_000,
        startPeriodMs: 0,
        retries: 3,
      },
    });
  });

  it.each([
    [{ Test: ['NONE'] }, 'none'],
    [{ Test: [] }, 'invalid'],
    [{ Test: ['CMD'] }, 'invalid'],
    [{ Test: ['WHAT', 'x'] }, 'invalid'],
    [{ Test: ['CMD', 'x'], Interval: -1 }, 'invalid'],
    [undefined, 'invalid'],
  ])('%j is %s', (value, kind) => {
    expect(parseHealthCheck(value).kind).toBe(kind);
  });
});
