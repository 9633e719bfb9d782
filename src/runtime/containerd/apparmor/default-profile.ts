/** Name of the profile of containers that ask for none. */
export const DEFAULT_APPARMOR_PROFILE = 'ecs-default';

/**
 * The text of the default profile for apparmor_parser(8). It holds what capabilities, namespaces and masked paths do
 * not: writes to the kernel's files in /proc and /sys, mounts, and signals and traces between containers and the
 * host, as Docker's does. Needs none of the distribution's abstractions.
 */
export function defaultAppArmorProfile(name: string): string {
  const rules = [
    // Whatever the rules below do not deny is left to capabilities and file modes.
    'network,',
    'capability,',
    'file,',
    'umount,',
    // The host and the OCI runtimes, which some distributions confine, end containers.
    ...['unconfined', 'runc', 'crun', 'containerd-shim'].map((peer) => `signal (receive) peer=${peer},`),
    `signal (send, receive) peer=${name},`,
    `ptrace (trace, read, tracedby, readby) peer=${name},`,
    'deny mount,',
    // Files right in /proc, and folders other than those of processes and /proc/sys.
    'deny /proc/* w,',
    'deny /proc/[^1-9s]*/** w,',
    'deny /proc/s[^ey]*/** w,',
    'deny /proc/sys/[^k]** w,',
    // Of the kernel's settings only those that are of the IPC namespace, shm*.
    'deny /proc/sys/kernel/{?,??,[^s][^h][^m]**} w,',
    'deny /proc/{sysrq-trigger,kcore} rwklx,',
    // Of /sys only the cgroups.
    'deny /sys/[^f]*/** wklx,',
    'deny /sys/f[^s]*/** wklx,',
    'deny /sys/fs/[^c]*/** wklx,',
    'deny /sys/fs/c[^g]*/** wklx,',
    'deny /sys/fs/cg[^r]*/** wklx,',
    'deny /sys/firmware/** rwklx,',
    'deny /sys/devices/virtual/powercap/** rwklx,',
    'deny /sys/kernel/security/** rwklx,',
  ];
  const flags = 'flags=(attach_disconnected, mediate_deleted)';
  return `profile ${name} ${flags} {\n${rules.map((rule) => `  ${rule}\n`).join('')}}\n`;
}
