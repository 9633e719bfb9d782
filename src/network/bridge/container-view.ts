import type { ContainerAddresses } from '../../task/container-facts.ts';
import { isReported, type PortBinding, type ReportedFamilies } from '../../task/port-mapping.ts';
import type { PublishedPort } from '../firewall/firewall.ts';
import type { NetworkRecord } from './network-record.ts';

/** Every port by itself; a range is mapped in order. */
export function publishedPorts({ bindings, address4, address6 }: NetworkRecord): readonly PublishedPort[] {
  if (address4 === undefined) return [];
  return bindings.flatMap(({ protocol, hostPort, containerPort, rangeLength = 1 }) =>
    Array.from({ length: rangeLength }, (_, index) => ({
      protocol,
      hostPort: hostPort + index,
      containerPort: containerPort + index,
      address4,
      ...(address6 !== undefined && { address6 }),
    })),
  );
}

/** What metadata shows. */
export function shownAddresses({ address4, address6 }: NetworkRecord): ContainerAddresses {
  return {
    ...(address4 !== undefined && { ipv4: address4 }),
    ...(address6 !== undefined && { ipv6: address6 }),
  };
}

/** In the order of container ports; `::` beside `0.0.0.0` where the container has both and ECS is told of both. */
export function reportedBindings(
  { bindings, address6 }: NetworkRecord,
  families: ReportedFamilies,
): readonly PortBinding[] {
  const bindIps = ['0.0.0.0', ...(address6 === undefined ? [] : ['::'])].filter((bindIp) =>
    isReported(bindIp, families),
  );
  return bindings
    .toSorted((a, b) => a.containerPort - b.containerPort || a.protocol.localeCompare(b.protocol))
    .flatMap((binding) => bindIps.map((bindIp) => ({ bindIp, ...binding })));
}
