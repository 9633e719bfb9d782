import type { BindMount } from '../../runtime.ts';
import type { OciMount } from './oci-types.ts';

const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
/** Files that the agent provides; they follow the root filesystem in being read-only (resources.md §12.2). */
const PROVIDED_FILES = ['/etc/hosts', '/etc/hostname', '/etc/resolv.conf'];
/** Default options of a tmpfs, each with the one that undoes it. */
const TMPFS_DEFAULTS = [
  ['noexec', 'exec'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
] as const;

export interface MountRequest {
  readonly mounts: readonly BindMount[];
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly shmSizeBytes?: number;
  readonly readonlyRootfs: boolean;
}

/** All mounts of a container, parents before what lies below them. Those asked for replace a default one. */
export function planMounts(request: MountRequest): readonly OciMount[] {
  const asked = [
    ...Object.entries(request.tmpfs).map(([destination, options]) => tmpfsMount(destination, options)),
    ...request.mounts.map((mount) => bindMount(mount, request.readonlyRootfs)),
  ].sort((a, b) => depthOf(a.destination) - depthOf(b.destination));
  const replaced = new Set(asked.map(({ destination }) => trimSlash(destination)));
  const defaults = defaultMounts(request.shmSizeBytes ?? DEFAULT_SHM_BYTES).filter(
    ({ destination }) =>
      !replaced.has(destination) && !(replaced.has('/dev') && destination.startsWith('/dev/')),
  );
  return [...defaults, ...asked];
}

function defaultMounts(shmSizeBytes: number): readonly OciMount[] {
  return [
    { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev',
      type: 'tmpfs',
      source: 'tmpfs',
      options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'],
    },
    {
      destination: '/dev/pts',
      type: 'devpts',
      source: 'devpts',
      options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
    },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: ['ro', 'nosuid', 'noexec', 'nodev'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    {
      destination: '/dev/shm',
      type: 'tmpfs',
      source: 'shm',
      options: ['nosuid', 'noexec', 'nodev', 'mode=1777', `size=${shmSizeBytes}`],
    },
  ];
}

function bindMount({ source, destination, readonly }: BindMount, readonlyRootfs: boolean): OciMount {
  const ro = readonly || (readonlyRootfs && PROVIDED_FILES.includes(trimSlash(destination)));
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ro ? 'ro' : 'rw'] };
}

function tmpfsMount(destination: string, asked: string): OciMount {
  const given = asked.split(',').filter((option) => option !== '');
  const defaults = TMPFS_DEFAULTS.filter(([, opposite]) => !given.includes(opposite)).map(([name]) => name);
  return {
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: [...defaults, ...given.filter((option) => !TMPFS_DEFAULTS.some(([name]) => name === option))],
  };
}

function depthOf(path: string): number {
  return path.split('/').filter((part) => part !== '').length;
}

function trimSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}
