import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openTaskCgroups } from '../../../src/resource/cgroups.ts';
import { taskIdOf } from '../../../src/task/ids.ts';
import { ARN, EventLog, requestOf, runToEnd, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

const MIB = 1024 * 1024;
/** In which a program that takes memory has taken it. */
const ALONE_MS = 300;

/** Limits by what they do to a program that goes beyond them. */
export function effectsContract(under: () => RuntimeUnderTest): void {
  describe('effects of limits', () => {
    const { signal } = new AbortController();

    it('refuse one process more than there may be', async () => {
      const output = await runToEnd(under(), 'fork', {
        ...script('for n in 1 2 3 4 5 6 7 8 9; do sleep 5 & done; echo all nine'),
        limits: { cpuShares: 128, pidsLimit: 5 },
      });
      expect(output).toMatch(/can't fork/);
      expect(output).not.toContain('all nine');
    });

    it('hold a busy program up when its time is used, and count how often', async () => {
      const output = await runToEnd(under(), 'quota', {
        ...script(
          'timeout 1 sh -c "while :; do :; done"; cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null',
        ),
        limits: { cpuShares: 128, cpuQuotaUs: 10_000 },
      });
      expect(Number(/^nr_throttled (\d+)$/m.exec(output)?.[1])).toBeGreaterThan(2);
    });

    it('kill when two containers have too much memory together, and not while one has what it may', async () => {
      const cgroups = await openTaskCgroups({
        driver: 'cgroupfs',
        root: '/sys/fs/cgroup',
        name: `ecs-effects-${process.pid}`,
        cpuPeriodUs: 100_000,
      });
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const taskId = taskIdOf(ARN);
      const cgroup = await cgroups.ensure(taskId, { memoryMiB: 48, cpuShares: 256 });
      const requests = await Promise.all(
        ['first', 'second'].map((name) =>
          requestOf(under(), `greedy-${name}`, {
            ...script('exec dd if=/dev/zero of=/dev/null bs=30M count=1000000'),
            cgroup,
            limits: { cpuShares: 128, memoryBytes: 40 * MIB, memorySwapBytes: 40 * MIB },
          }),
        ),
      );
      try {
        for (const request of requests) {
          // The kernel may kill both: the second while the memory of the first is not free yet.
          expect(requests.flatMap(({ id }) => log.exitsOf(id))).toEqual([]);
          await runtime.createContainer(request, { signal });
          await runtime.startContainer(request.id, { signal });
          await delay(ALONE_MS);
        }
        const exit = await Promise.any(requests.map(({ id }) => log.exitOf(id)));
        expect(exit.exitCode).toBe(137);
      } finally {
        for (const { id } of requests) await runtime.removeContainer(id, { signal });
        await cgroups.remove(taskId);
        await cgroups.close();
      }
    });
  });
}
