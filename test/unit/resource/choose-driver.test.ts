import { describe, expect, test } from 'vitest';
import { parseCgroupMounts } from '../../../src/host/cgroupfs.ts';
import { chooseDriver } from '../../../src/resource/cgroups.ts';

const UNIFIED =
  '31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot';
const HYBRID = [
  '31 23 0:28 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755',
  '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:10 - cgroup cgroup rw,cpu,cpuacct',
  '35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:11 master:3 - cgroup cgroup rw,memory',
  '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
  '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
  '50 31 0:32 / /sys/fs/cgroup/again rw - cgroup cgroup rw,memory',
  '51 23 0:32 / /other\\040place/memory rw - cgroup cgroup rw,memory',
].join('\n');
const choose = (
  mountinfo: string,
  driver: 'auto' | 'cgroupfs' | 'systemd',
  { systemd, root = '/sys/fs/cgroup' }: { systemd: boolean; root?: string },
) => chooseDriver({ driver, root }, parseCgroupMounts(mountinfo), systemd);

test.each([
  ['auto', true, 'systemd'],
  ['auto', false, 'cgroupfs-v2'],
  ['cgroupfs', true, 'cgroupfs-v2'],
  ['systemd', true, 'systemd'],
] as const)('on a unified host, with %s and systemd %s, is %s', (driver, systemd, kind) => {
  expect(choose(UNIFIED, driver, { systemd })).toEqual({ kind });
});

describe('on a hybrid host', () => {
  test.each(['auto', 'cgroupfs'] as const)('with %s, is v1 in each hierarchy once', (driver) => {
    const choice = choose(HYBRID, driver, { systemd: true });
    expect(choice.kind).toBe('cgroupfs-v1');
    expect('mounts' in choice && choice.mounts.map(({ mountPoint }) => mountPoint)).toEqual([
      '/sys/fs/cgroup/cpu,cpuacct',
      '/sys/fs/cgroup/memory',
      '/sys/fs/cgroup/systemd',
      '/sys/fs/cgroup/unified',
    ]);
  });

  test('looks below ECS_CGROUP_PATH, whatever its name', () => {
    const choice = choose(HYBRID, 'auto', { systemd: false, root: '/other place' });
    expect('mounts' in choice && choice.mounts).toEqual([
      { version: 1, mountPoint: '/other place/memory', device: '0:32', options: ['rw', 'memory'] },
    ]);
  });
});

test.each([
  [
    'systemd that is not init',
    UNIFIED,
    'systemd',
    { systemd: false },
    /systemd as init.*ECS_CGROUP_DRIVER=cgroupfs/,
  ],
  [
    'systemd on a hybrid host',
    HYBRID,
    'systemd',
    { systemd: true },
    /unified hierarchy at \/sys\/fs\/cgroup/,
  ],
  ['no hierarchy at all', '', 'auto', { systemd: true }, /no cgroup hierarchy is mounted/],
] as const)('refuses %s and says what to do', (_, mountinfo, driver, host, message) => {
  expect(() => choose(mountinfo, driver, host)).toThrow(message);
});
