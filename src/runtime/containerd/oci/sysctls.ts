import { TaskError } from '../../../task/errors.ts';
import type { CreateContainer } from '../../runtime.ts';

/** Kernel settings that an IPC namespace has of its own (ipc_namespaces(7)). */
const IPC = /^(kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced)|fs\.mqueue\..+)$/;

/** Docker's defaults since 20.10, except in the host's namespace (networking.md §9). */
const NETWORK_DEFAULTS = {
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ping_group_range': '0 2147483647',
};

/**
 * The kernel settings of a container's own namespaces. Throws CannotCreateContainerError for one that would change
 * the host's, or those of another container.
 */
export function planSysctls({
  sysctls,
  network,
  ipc,
  domainname,
}: Pick<CreateContainer, 'sysctls' | 'network' | 'ipc' | 'domainname'>): Readonly<Record<string, string>> {
  const ownNetwork = network.kind !== 'host';
  for (const [name, value] of Object.entries(sysctls)) {
    // Slashes and dots stand for each other (sysctl.d(5)).
    const dotted = name.includes('/') ? name.replaceAll('/', '.') : name;
    const trouble = dotted.startsWith('net.')
      ? ownNetwork || "the container is in the host's network"
      : IPC.test(dotted)
        ? ipc?.kind !== 'host' || "the container is in the host's IPC namespace"
        : dotted === 'kernel.domainname' || 'it is no setting of a namespace';
    if (trouble !== true)
      throw new TaskError(
        'CannotCreateContainerError',
        `systemControls: ${name}=${value} would change the host: ${trouble}`,
      );
  }
  return {
    ...(ownNetwork && NETWORK_DEFAULTS),
    // The OCI runtimes of today have no other way to set it.
    ...(domainname !== undefined && domainname !== '' && { 'kernel.domainname': domainname }),
    ...sysctls,
  };
}
