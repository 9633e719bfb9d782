import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SilentShims } from '../../../../../src/runtime/containerd/shim/silent-shims.ts';

/** Shims by their pids, with their logs; and how often they were looked at. */
function shimsOf(logs: Map<number, 'awaited' | 'open'>) {
  const looks = { forPids: 0, atLogs: new Map<number, number>() };
  const ended: number[] = [];
  const processes = {
    all: async () => {
      looks.forPids += 1;
      return logs
        .keys()
        .map((pid) => ({ pid, id: `container-${pid}` }))
        .toArray();
    },
    logOf: async (pid: number) => {
      looks.atLogs.set(pid, (looks.atLogs.get(pid) ?? 0) + 1);
      return logs.get(pid);
    },
    end: (pid: number) => logs.delete(pid),
  };
  const shims = new SilentShims(processes, (pid) => ended.push(pid));
  return { shims, looks, ended };
}

describe('shims that are silent for ever', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
  afterEach(() => void vi.useRealTimers());

  it('are looked for once for all tasks that are being made, and each with a log once', async () => {
    const logs = new Map(Array.from({ length: 200 }, (_, index) => [index + 1, 'open' as const]));
    const { shims, looks } = shimsOf(logs);
    const makes = Array.from({ length: 200 }, () => shims.duringMake());
    await vi.advanceTimersByTimeAsync(1_999);
    expect(looks.forPids).toBe(0);
    await vi.advanceTimersByTimeAsync(8_001);
    expect(looks.forPids).toBe(9);
    expect([...looks.atLogs.values()]).toEqual(
      logs
        .keys()
        .map(() => 1)
        .toArray(),
    );
    for (const make of makes) make[Symbol.dispose]();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(looks.forPids).toBe(9);
  });

  it('are ended when they wait for their log in two looks, and no others', async () => {
    const logs = new Map<number, 'awaited' | 'open'>([
      [1, 'awaited'],
      [2, 'awaited'],
      [3, 'open'],
    ]);
    const { shims, ended } = shimsOf(logs);
    using _ = shims.duringMake();
    await vi.advanceTimersByTimeAsync(2_000);
    logs.set(2, 'open');
    expect(ended).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(ended).toEqual([1]);
  });
});
