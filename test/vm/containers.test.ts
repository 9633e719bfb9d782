import { beforeAll, describe, expect, it } from 'vitest';
import { isFullRun, sampleOf, testSeed } from '../support/sample.ts';
import type { appArmorEffects } from './apparmor-effects.ts';
import type { cgroupEffects } from './cgroup-effects.ts';
import { runInMachine } from './run-in-machine.ts';

const TIMEOUT_MS = 1_800_000;
const MIB = 1024 * 1024;
const SEED = testSeed();
/** What the short form leaves out takes a few minutes. */
const OCI_RUNTIMES = isFullRun() ? ['runc', 'crun'] : ['runc'];
const PROFILES = isFullRun() ? ['AppArmor'] : [];
const BEYOND_LIMITS = sampleOf(['cgroupfs', 'systemd'], 1, SEED);
const TASK_ID = '0123456789abcdef';

/** What the guest prints of each container. */
interface Limits {
  readonly ociRuntime: string;
  readonly driver: string;
  readonly id: string;
  readonly folder: string;
  readonly cpuWeight: number;
  readonly [key: string]: unknown;
}
type Effects = { readonly driver: string } & Awaited<ReturnType<typeof cgroupEffects>>;
type AppArmorSeen = Awaited<ReturnType<typeof appArmorEffects>>;
type Line =
  | ({ readonly part: 'limits' } & Limits)
  | ({ readonly part: 'effects' } & Effects)
  | ({ readonly part: 'apparmor' } & AppArmorSeen);

/** One machine for all. */
describe('containers on cgroup v2', () => {
  let limits: readonly Limits[] = [];
  let effects: readonly Effects[] = [];
  let appArmor: AppArmorSeen | undefined;
  beforeAll(async () => {
    const output = await runInMachine('test/vm/containers.guest.ts', TIMEOUT_MS, [
      `--oci-runtimes=${OCI_RUNTIMES}`,
      `--beyond-limits=${BEYOND_LIMITS}`,
      ...(PROFILES.length > 0 ? ['--apparmor'] : []),
    ]);
    const lines = output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Line);
    limits = lines.filter((line) => line.part === 'limits');
    effects = lines.filter((line) => line.part === 'effects');
    appArmor = lines.find((line) => line.part === 'apparmor');
  }, TIMEOUT_MS);

  it(`have the limits asked for, with ${OCI_RUNTIMES.join(' and ')}, below a folder and in a systemd slice (CTD-68, CTD-69)`, () => {
    expect(limits.map(({ ociRuntime, driver }) => `${ociRuntime} ${driver}`)).toEqual(
      OCI_RUNTIMES.flatMap((ociRuntime) => [`${ociRuntime} cgroupfs`, `${ociRuntime} systemd`]),
    );
    for (const container of limits) {
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
    expect(limits).toHaveLength(2 * OCI_RUNTIMES.length);
    for (const container of limits) expect(container).toMatchObject({ oomCode: 137, oomKilled: true });
  });

  describe.each(BEYOND_LIMITS)(`that go beyond a limit below the %s driver (seed ${SEED})`, (driver) => {
    const seen = () => {
      const found = effects.find((one) => one.driver === driver);
      if (found === undefined) throw new Error(`nothing was seen with ${driver}`);
      return found;
    };

    it('are held up when their own time is used, or that of their task, as it is now', () => {
      expect(seen().quota).toEqual({
        heldUp: true,
        taskHeldUpToo: false,
        raised: '100000 100000',
        taskHeldUp: true,
        taskRaised: '200000 100000',
      });
    });

    it('cannot fork beyond their own number of processes, that of their task, or a lower one later (RES-09)', () => {
      const { output, outputInTask, outputChanged, changedCode } = seen().pids;
      for (const text of [output, outputInTask, outputChanged]) expect(text).toMatch(/can't fork/);
      expect(output + outputInTask).not.toContain('all of them');
      expect(changedCode).not.toBe(0);
    });

    it('are killed when they have too much memory together, each by itself not', () => {
      const { codes, ooms, oomKilled } = seen().memory;
      // The kernel may kill the other too, when it has not yet got back all that the first had.
      expect(codes).toContain(137);
      for (const code of codes) expect([137, null]).toContain(code);
      for (const isTold of oomKilled) expect(isTold).toBe(true);
      expect(ooms.ofTask).toBeGreaterThan(0);
      expect(ooms.ofAll).toBe(ooms.ofTask);
    });

    it('are killed when their limit falls below what they have, and reported so', () => {
      const { max, shrunkCode, shrunkOomKilled } = seen().memory;
      expect([String(16 * MIB), 'gone']).toContain(max);
      expect({ shrunkCode, shrunkOomKilled }).toEqual({ shrunkCode: 137, shrunkOomKilled: true });
    });

    it('go with their task, also when only the kernel still knows of it', () => {
      expect(seen().crash).toEqual({
        listed: [TASK_ID],
        refusedByPid: true,
        wasEmpty: false,
        exitCode: 137,
        gone: true,
        listedAfter: [],
        remains: [],
      });
    });
  });

  describe.each(PROFILES)('under %s', () => {
    const seen = () => {
      if (appArmor === undefined) throw new Error('nothing was seen of AppArmor');
      return appArmor;
    };

    it('have the default profile, which is loaded for the first of them', () => {
      expect(seen().loadedBefore).toBe(false);
      expect(seen().loaded).toBe('ecs-default (enforce)');
      expect(seen().standard).toMatchObject({
        confinement: 'ecs-default (enforce)',
        'first process': 'ecs-default (enforce)',
        'stop code': '137',
      });
    });

    it('cannot mount nor write to files of the kernel, and can what a container may', () => {
      const { standard } = seen();
      const denied = ['mount', 'bind', '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern', '/proc/kcore'];
      for (const name of [...denied, '/proc/sys/vm/swappiness'])
        expect(standard[name], name).toMatch(/[Pp]ermission denied/);
      const allowed = ['umount', '/proc/sys/kernel/shmmax', '/proc/self/oom_score_adj', '/etc/allowed'];
      for (const name of [...allowed, 'signal to its own']) expect(standard[name], name).toBe('yes');
    });

    it('can all of that as unconfined or privileged (RES-90)', () => {
      for (const seenOf of [seen().unconfined, seen().privileged]) {
        expect(seenOf).toMatchObject({ confinement: 'unconfined', 'first process': 'unconfined' });
        for (const name of ['mount', 'bind', '/proc/sysrq-trigger', '/proc/sys/kernel/core_pattern'])
          expect(seenOf[name], name).toBe('yes');
      }
    });

    it('have a profile that they name, if it is loaded (RES-92)', () => {
      expect(seen().own).toMatchObject({
        confinement: 'ecs-vm-own (enforce)',
        '/etc/allowed': 'yes',
        '/proc/sysrq-trigger': 'yes',
      });
      expect(seen().own['/etc/forbidden']).toMatch(/[Pp]ermission denied/);
      expect(seen().refusal).toBe(
        'dockerSecurityOptions: "apparmor:nobody-has-it": no such AppArmor profile is loaded on this host',
      );
    });
  });
});
