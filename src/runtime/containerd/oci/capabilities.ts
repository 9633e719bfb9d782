import { TaskError } from '../../../task/errors.ts';
import type { OciCapabilities } from './oci-types.ts';

/** Every capability of Linux by number. */
const ALL = [
  'CHOWN',
  'DAC_OVERRIDE',
  'DAC_READ_SEARCH',
  'FOWNER',
  'FSETID',
  'KILL',
  'SETGID',
  'SETUID',
  'SETPCAP',
  'LINUX_IMMUTABLE',
  'NET_BIND_SERVICE',
  'NET_BROADCAST',
  'NET_ADMIN',
  'NET_RAW',
  'IPC_LOCK',
  'IPC_OWNER',
  'SYS_MODULE',
  'SYS_RAWIO',
  'SYS_CHROOT',
  'SYS_PTRACE',
  'SYS_PACCT',
  'SYS_ADMIN',
  'SYS_BOOT',
  'SYS_NICE',
  'SYS_RESOURCE',
  'SYS_TIME',
  'SYS_TTY_CONFIG',
  'MKNOD',
  'LEASE',
  'AUDIT_WRITE',
  'AUDIT_CONTROL',
  'SETFCAP',
  'MAC_OVERRIDE',
  'MAC_ADMIN',
  'SYSLOG',
  'WAKE_ALARM',
  'BLOCK_SUSPEND',
  'AUDIT_READ',
  'PERFMON',
  'BPF',
  'CHECKPOINT_RESTORE',
].map((name) => `CAP_${name}`);

/** What a container gets without being asked (resources.md §12.2). */
const DEFAULTS = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

export interface CapabilityRequest {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly uid: number;
  /** Those that can be had here, a bit each by number. */
  readonly available: bigint;
}

/**
 * The sets of a container's first process. `ALL` in either list means all; what is added wins over what is
 * dropped, but for `ALL`, from which what is dropped is missing. A process that is not root only keeps the bounding set. A name
 * that cannot be had is a CannotCreateContainerError.
 */
export function planCapabilities({ add, drop, uid, available }: CapabilityRequest): OciCapabilities {
  const known = ALL.filter((_, number) => (available & (1n << BigInt(number))) !== 0n);
  const added = add.map((name) => normalise(name, known));
  const dropped = drop.map((name) => normalise(name, ALL));
  const start = added.includes('ALL') ? known : dropped.includes('ALL') ? [] : DEFAULTS;
  const kept = new Set(start.filter((name) => !dropped.includes(name)));
  if (!added.includes('ALL')) for (const name of added) kept.add(name);
  const bounding = known.filter((name) => kept.has(name));
  return uid === 0
    ? { bounding, effective: bounding, permitted: bounding }
    : { bounding, effective: [], permitted: [] };
}

function normalise(given: string, known: readonly string[]): string {
  const upper = given.toUpperCase();
  if (upper === 'ALL') return upper;
  const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
  if (!known.includes(name))
    throw new TaskError(
      'CannotCreateContainerError',
      `linuxParameters.capabilities: "${given}" ${
        ALL.includes(name)
          ? "cannot be had: this host's kernel or its container runtime does not have it"
          : 'is no capability of Linux'
      }`,
    );
  return name;
}
