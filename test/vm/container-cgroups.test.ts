import { beforeAll, describe, expect, it } from 'vitest';
import { runInMachine } from './run-in-machine.ts';

const TIMEOUT_MS = 1_200_000;
const MIB = 1024 * 1024;

/** What the guest prints of each container. */
interface Seen {
  readonly ociRuntime: string;
  readonly driver: string;
  readonly id: string;
  readonly folder: string;
  readonly cpuWeight: number;
  readonly [key: string]: unknown;
}

describe('containers on cgroup v2', () => {
  let seen: readonly Seen[] = [];
  beforeAll(async () => {
    const output = await runInMachine('test/vm/container-cgroups.guest.ts', TIMEOUT_MS);
    seen = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Seen);
  }, TIMEOUT_MS);

  it('have the limits asked for, with runc and crun, below a folder and in a systemd slice (CTD-68, CTD-69)', () => {
    expect(seen.map(({ ociRuntime, driver }) => `${ociRuntime} ${driver}`)).toEqual([
      'runc cgroupfs',
      'runc systemd',
      'crun cgroupfs',
      'crun systemd',
    ]);
    for (const container of seen) {
      expect(container, JSON.stringify(container)).toMatchObject({
        memoryMax: String(64 * MIB),
        memoryLow: String(32 * MIB),
        swapMax: String(64 * MIB),
        ownView: '0::/',
        stopCode: 137,
      });
      // Runtimes turn 512 shares into different weights (containerd.md §9).
      expect([20, 59]).toContain(container.cpuWeight);
      const place = {
        cgroupfs: `/sys/fs/cgroup/ecs-vm/0123/${container.id}`,
        systemd: `/sys/fs/cgroup/ecsvm.slice/ecsvm-0123.slice/ecs-${container.id}.scope`,
      };
      expect(container.folder).toBe(place[container.driver === 'systemd' ? 'systemd' : 'cgroupfs']);
    }
  });

  it('are told to have run out of memory (CTD-28)', () => {
    expect(seen).toHaveLength(4);
    for (const container of seen) expect(container).toMatchObject({ oomCode: 137, oomKilled: true });
  });
});
