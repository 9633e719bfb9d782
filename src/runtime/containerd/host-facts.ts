import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { COMMAND_PATH } from '../../host/run-command.ts';
import type { SeccompMachine } from './oci/seccomp/profile.ts';
import type { SelinuxContexts } from './oci/selinux-label.ts';

/** What the kernel of this host offers to containers. */
export interface HostFacts {
  readonly cgroupVersion: 1 | 2;
  /** The kernel limits memory and swap together. */
  readonly swapAccounting: boolean;
  /** Capabilities that a container can be given, a bit each by number: those of this process's bounding set. */
  readonly capabilities: bigint;
  /** Highest hard limit of open files that a container can be given. */
  readonly openFilesCeiling: number;
  readonly hostname: string;
  readonly machine: SeccompMachine;
  /** Release of the kernel. */
  readonly kernel: string;
  /** The kernel filters system calls. */
  readonly seccomp: boolean;
  /** The kernel has AppArmor on and profiles can be loaded; without the parser there is none, as under Docker. */
  readonly appArmor: boolean;
  /** Labels that the policy has for containers; absent: SELinux is off. */
  readonly selinux?: SelinuxContexts;
  /** Cgroup, below the root of each hierarchy, of containers that no task cgroup was given for. */
  readonly cgroupRoot: string;
}

/** Reads the host once. A hybrid layout counts as v1 (resources.md §2). */
export function readHostFacts(containerdNamespace: string): HostFacts {
  const cgroupVersion = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1;
  const selinux = selinuxContexts();
  return {
    cgroupVersion,
    swapAccounting: cgroupVersion === 2 ? hasSwapMax() : existsSync(V1_SWAP_LIMIT),
    capabilities: capabilitySet('CapBnd'),
    openFilesCeiling: openFilesCeiling(),
    hostname: hostname(),
    machine: process.arch === 'arm64' ? 'arm64' : 'amd64',
    kernel: release(),
    seccomp: existsSync('/proc/sys/kernel/seccomp'),
    appArmor:
      existsSync('/sys/kernel/security/apparmor/profiles') &&
      COMMAND_PATH.split(':').some((folder) => existsSync(join(folder, 'apparmor_parser'))),
    ...(selinux !== undefined && { selinux }),
    cgroupRoot: `${containerdNamespace}-containers`,
  };
}

const V1_SWAP_LIMIT = '/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes';

/** The root cgroup has no limits; any child with the memory controller shows whether swap is one. */
function hasSwapMax(): boolean {
  return readdirSync('/sys/fs/cgroup', { withFileTypes: true }).some(
    (entry) => entry.isDirectory() && existsSync(join('/sys/fs/cgroup', entry.name, 'memory.swap.max')),
  );
}

const SELINUX_DEFAULTS: SelinuxContexts = {
  process: 'system_u:system_r:container_t:s0',
  file: 'system_u:object_r:container_file_t:s0',
};

/** Where SELinux is on, what its policy says of containers (lxc_contexts), or what policies say as a rule. */
function selinuxContexts(): SelinuxContexts | undefined {
  if (!existsSync('/sys/fs/selinux/enforce')) return undefined;
  try {
    const type = /^SELINUXTYPE=(\w+)/m.exec(readFileSync('/etc/selinux/config', 'utf8'))?.[1] ?? 'targeted';
    const text = readFileSync(`/etc/selinux/${type}/contexts/lxc_contexts`, 'utf8');
    const read = (name: string) => new RegExp(`^${name}\\s*=\\s*"([^"]+)"`, 'm').exec(text)?.[1];
    return {
      process: read('process') ?? SELINUX_DEFAULTS.process,
      file: read('file') ?? SELINUX_DEFAULTS.file,
    };
  } catch {
    return SELINUX_DEFAULTS;
  }
}

const CAP_SYS_RESOURCE = 24n;

/** Without CAP_SYS_RESOURCE nobody can raise a hard limit; containerd runs under the same as this process. */
function openFilesCeiling(): number {
  const mayRaise = (capabilitySet('CapEff') & (1n << CAP_SYS_RESOURCE)) !== 0n;
  const highest = Number(readFileSync('/proc/sys/fs/nr_open', 'utf8'));
  if (mayRaise) return highest;
  const own = /^Max open files\s+\S+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  return own === undefined ? highest : Number(own);
}

/** A set of this process's capabilities; containerd runs under the same as it. */
function capabilitySet(name: 'CapBnd' | 'CapEff'): bigint {
  const status = readFileSync('/proc/self/status', 'utf8');
  return BigInt(`0x${new RegExp(`^${name}:\\s+([0-9a-f]+)$`, 'm').exec(status)?.[1] ?? '0'}`);
}
