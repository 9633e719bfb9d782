import type { ContainerOptions } from '../../task/task-spec.ts';
import { resolvConfFor } from '../host-files.ts';
import { hostsFile, parseExtraHost } from '../name-files.ts';
import type { LinkedContainer } from '../network.ts';
import type { NameFiles } from '../task-files.ts';
import type { ContainerAddress } from './container-address.ts';

/** Contents of the files about names of a container with that address. */
export async function containerFiles(
  hostRoot: string,
  options: ContainerOptions,
  { address4, address6 }: ContainerAddress,
  { hostname, links }: { readonly hostname: string; readonly links: readonly LinkedContainer[] },
): Promise<NameFiles> {
  const ipv6 = address6 !== undefined;
  return {
    hosts: hostsFile({
      ipv6,
      extraHosts: options.extraHosts.map(parseExtraHost),
      links: links.map((link) => ({ address: link.ipv4, names: [link.alias, link.hostname, link.name] })),
      self: { address: address4, hostname },
    }),
    hostname: `${hostname}\n`,
    resolvConf: await resolvConfFor(hostRoot, options, ipv6),
  };
}
