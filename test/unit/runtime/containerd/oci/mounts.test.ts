import { describe, expect, it } from 'vitest';
import { planMounts } from '../../../../../src/runtime/containerd/oci/mounts.ts';

const NOTHING = { mounts: [], tmpfs: {}, readonlyRootfs: false };
const bind = (destination: string, readonly = false) => ({
  source: `/host${destination}`,
  destination,
  readonly,
});

describe('mounts', () => {
  it('are the seven of every container, with 64 MiB of shared memory (CTD-18, RES-88)', () => {
    const mounts = planMounts(NOTHING);
    expect(mounts.map(({ destination }) => destination)).toEqual([
      '/proc',
      '/dev',
      '/dev/pts',
      '/sys',
      '/sys/fs/cgroup',
      '/dev/mqueue',
      '/dev/shm',
    ]);
    expect(mounts.at(-1)?.options).toEqual(['nosuid', 'noexec', 'nodev', 'mode=1777', 'size=67108864']);
    expect(mounts.find(({ destination }) => destination === '/sys')?.options).toContain('ro');
    expect(mounts.find(({ destination }) => destination === '/sys/fs/cgroup')?.options).toContain('ro');
  });

  it('take the size of shared memory that is asked for', () => {
    expect(planMounts({ ...NOTHING, shmSizeBytes: 1024 }).at(-1)?.options).toContain('size=1024');
  });

  it('have a directory of the host for shared memory that is shared, or none of it (RES-84)', () => {
    const shared = planMounts({
      ...NOTHING,
      shmSizeBytes: 1024,
      shm: { kind: 'directory', path: '/run/shm' },
    });
    expect(shared.at(-1)).toEqual({
      destination: '/dev/shm',
      type: 'bind',
      source: '/run/shm',
      options: ['rbind', 'rprivate', 'rw'],
    });
    const none = planMounts({ ...NOTHING, shm: { kind: 'none' } });
    expect(none.map(({ destination }) => destination)).not.toContain('/dev/shm');
  });

  it('bind folders with their mode, parents before what lies in them (RES-99)', () => {
    const mounts = planMounts({ ...NOTHING, mounts: [bind('/a/b/c'), bind('/a', true), bind('/a/b')] }).slice(
      7,
    );
    expect(mounts).toEqual([
      { destination: '/a', type: 'bind', source: '/host/a', options: ['rbind', 'rprivate', 'ro'] },
      { destination: '/a/b', type: 'bind', source: '/host/a/b', options: ['rbind', 'rprivate', 'rw'] },
      { destination: '/a/b/c', type: 'bind', source: '/host/a/b/c', options: ['rbind', 'rprivate', 'rw'] },
    ]);
  });

  it('give way to one that is asked for at the same place', () => {
    const own = planMounts({ ...NOTHING, mounts: [bind('/dev/shm/')] });
    expect(own.filter(({ destination }) => destination.startsWith('/dev/shm'))).toHaveLength(1);
    const dev = planMounts({ ...NOTHING, mounts: [bind('/dev')] });
    expect(dev.map(({ destination }) => destination)).toEqual(['/proc', '/sys', '/sys/fs/cgroup', '/dev']);
  });

  it('make the provided files read-only with the root filesystem, and leave volumes alone (RES-91)', () => {
    const mounts = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf', '/data'].map((path) => bind(path));
    const modes = planMounts({ ...NOTHING, mounts, readonlyRootfs: true })
      .slice(7)
      .map(({ destination, options }) => [destination, options.at(-1)]);
    expect(Object.fromEntries(modes)).toEqual({
      '/etc/hosts': 'ro',
      '/etc/hostname': 'ro',
      '/etc/resolv.conf': 'ro',
      '/data': 'rw',
    });
  });

  it.each([
    ['', ['noexec', 'nosuid', 'nodev']],
    ['size=64m', ['noexec', 'nosuid', 'nodev', 'size=64m']],
    ['rw,exec,size=1m', ['nosuid', 'nodev', 'rw', 'exec', 'size=1m']],
    ['noexec,suid,dev', ['noexec', 'suid', 'dev']],
  ])('lay the options "%s" of a tmpfs over its defaults (RES-87, RES-114)', (asked, options) => {
    expect(planMounts({ ...NOTHING, tmpfs: { '/tmp': asked } }).at(-1)).toEqual({
      destination: '/tmp',
      type: 'tmpfs',
      source: 'tmpfs',
      options,
    });
  });
});
