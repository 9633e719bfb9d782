import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LogConfig } from '../../../src/container-log/log-config.ts';
import { containerLogPaths } from '../../../src/container-log/log-paths.ts';
import { WaitingLogs } from '../../../src/container-log/service/waiting-logs.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';

const ID = containerIdOf(taskArn('arn:aws:ecs:us-west-2:123456789012:task/default/one'), 'app', 0);
const CONFIG = { container: { id: ID } } as LogConfig;
const PATHS = containerLogPaths({ runDir: '/nonexistent', dataDir: '/nonexistent' }, ID);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('logs that lack a secret ask for it less and less often, and at once when an agent comes', () => {
  let asked = 0;
  const logs = new WaitingLogs(() => {
    asked += 1;
  });
  logs.add(CONFIG, PATHS);
  logs.add(CONFIG, PATHS);
  expect(asked).toBe(1);
  vi.advanceTimersByTime(5_000);
  expect(asked).toBe(2);
  vi.advanceTimersByTime(3_600_000);
  expect(asked).toBeGreaterThan(10);
  expect(asked).toBeLessThan(22);
  const before = asked;
  logs.askAgain();
  expect(asked).toBe(before + 1);
  logs.finish(ID);
  expect(logs.release(ID)).toBe(true);
  vi.advanceTimersByTime(3_600_000);
  expect(asked).toBe(before + 1);
});

test('an answer that says the same again is no news', () => {
  const logs = new WaitingLogs(() => {});
  logs.add(CONFIG, PATHS);
  expect(['a', 'a', 'b'].map((why) => logs.isNews(ID, why))).toEqual([true, false, true]);
});

test('a log of a container that is gone is given up in the end, unless its secrets come before', () => {
  const logs = new WaitingLogs(() => {});
  let given = 0;
  logs.add(CONFIG, PATHS);
  logs.giveUpAfter(ID, 1_000, () => {
    given += 1;
  });
  logs.release(ID);
  vi.advanceTimersByTime(2_000);
  expect(given).toBe(0);
  logs.add(CONFIG, PATHS);
  logs.giveUpAfter(ID, 1_000, () => {
    given += 1;
  });
  vi.advanceTimersByTime(2_000);
  expect(given).toBe(1);
});
