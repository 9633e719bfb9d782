import type { BindMount } from '../../runtime.ts';
import type { OciMount } from './oci-types.ts';

/** Where a container with an init of ours finds it, as under Docker. */
export const INIT_PATH = '/sbin/docker-init';
export const DEFAULT_SHM_BYTES = 64 * 1024 * 1024;
export const SHM_OPTIONS = ['nosuid', 'noexec', 'nodev', 'mode=1777'];
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
  /** /sys and the cgroups can be written. */
  readonly privileged?: boolean;
  /** Absent: a file system of its own at /dev/shm. */
  readonly shm?: ShmSource;
  /** A program that is not the image's; absent: there is none. */
  readonly program?: MountedProgram;
}

/** What is at /dev/shm: a directory of the host that others have there too, or no mount at all. */
export type ShmSource = { readonly kind: 'directory'; readonly path: string } | { readonly kind: 'none' };

/** Where the host has a program, and where the container is to find it. */
export interface MountedProgram {
  readonly source: string;
  readonly destination: string;
}

/** All mounts of a container, parents before what lies below them. Those asked for replace a default one. */
export function planMounts(request: MountRequest): readonly OciMount[] {
  const asked = [
    ...(request.program === undefined ? [] : [programMount(request.program)]),
    ...Object.entries(request.tmpfs).map(([destination, options]) => tmpfsMount(destination, options)),
    ...request.mounts.map((mount) => bindMount(mount, request.readonlyRootfs)),
  ].sort((a, b) => depthOf(a.destination) - depthOf(b.destination));
  const replaced = new Set(asked.map(({ destination }) => trimSlash(destination)));
  const defaults = defaultMounts(shmMounts(request), request.privileged ?? false).filter(
    ({ destination }) =>
      !replaced.has(destination) && !(replaced.has('/dev') && destination.startsWith('/dev/')),
  );
  return [...defaults, ...asked];
}

function shmMounts({ shm, shmSizeBytes = DEFAULT_SHM_BYTES }: MountRequest): readonly OciMount[] {
  const destination = '/dev/shm';
  switch (shm?.kind) {
    case 'none':
      return [];
    case 'directory':
      return [bindMount({ source: shm.path, destination, readonly: false }, false)];
    case undefined:
      return [
        { destination, type: 'tmpfs', source: 'shm', options: [...SHM_OPTIONS, `size=${shmSizeBytes}`] },
      ];
  }
}

function defaultMounts(shm: readonly OciMount[], privileged: boolean): readonly OciMount[] {
  const kernelFiles = privileged ? 'rw' : 'ro';
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
    {
      destination: '/sys',
      type: 'sysfs',
      source: 'sysfs',
      options: ['nosuid', 'noexec', 'nodev', kernelFiles],
    },
    {
      destination: '/sys/fs/cgroup',
      type: 'cgroup',
      source: 'cgroup',
      options: [kernelFiles, 'nosuid', 'noexec', 'nodev'],
    },
    { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
    ...shm,
  ];
}

function bindMount({ source, destination, readonly }: BindMount, readonlyRootfs: boolean): OciMount {
  const ro = readonly || (readonlyRootfs && PROVIDED_FILES.includes(trimSlash(destination)));
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', ro ? 'ro' : 'rw'] };
}

/** The agent's run directory may be on a file system from which nothing is run. */
function programMount({ source, destination }: MountedProgram): OciMount {
  return { destination, type: 'bind', source, options: ['rbind', 'rprivate', 'ro', 'exec'] };
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
