import { z } from 'zod';
import { linksHere } from '../../src/host/links.ts';
import { inNetworkNamespace } from '../../src/host/netns.ts';
import { addRoute, type Route, removeRoute, routesHere } from '../../src/host/routes.ts';
import type { CniResult } from '../../src/network/cni/cni-schema.ts';
import { CniCode, CniFailure, runCniPlugin } from '../cni-plugin.ts';

/** Routes of a link as they are, and as they ought to be: gateways on the link, and no neighbours. */
interface OnLink {
  readonly wanted: readonly Route[];
  readonly missing: readonly Route[];
  readonly tooMany: readonly Route[];
}

/**
 * `ecs-onlink-trim`: behind `bridge`, leaves the namespace only the gateway on the link, so that tasks on the bridge
 * cannot reach each other by it (networking.md §11.4).
 */
await runCniPlugin({
  config: z.looseObject({}),
  isChained: true,
  async add({ netns, ifName, prevResult }) {
    inNetworkNamespace(netns, () => {
      const { missing, tooMany } = onLink(ifName, prevResult);
      // First the way to the gateway: routes via it would go with the last way there.
      for (const route of missing) addRoute(route);
      for (const route of tooMany) removeRoute(route);
    });
    return undefined;
  },
  // The routes go with the link.
  del() {},
  check: ({ netns, ifName, prevResult }) =>
    inNetworkNamespace(netns, () => {
      const { missing, tooMany } = onLink(ifName, prevResult);
      return [
        ...missing.map(({ destination }) => `there is no route to ${destination} on ${ifName}`),
        ...tooMany.map(({ destination }) => `${destination} is reached directly on ${ifName}`),
      ];
    }),
});

function onLink(ifName: string, prevResult: CniResult | undefined): OnLink {
  const link = linksHere().find(({ name }) => name === ifName);
  if (link === undefined) throw new CniFailure(CniCode.notAsAttached, `the namespace has no link ${ifName}`);
  const gateways = [...new Set((prevResult?.ips ?? []).flatMap(({ gateway }) => gateway ?? []))];
  const { index } = link;
  const wanted = gateways.map((gateway): Route => {
    const destination = `${gateway}/${gateway.includes(':') ? 128 : 32}`;
    return { destination, index, kind: 'unicast' };
  });
  const direct = (['ipv4', 'ipv6'] as const)
    .flatMap((family) => routesHere(family))
    .filter((route) => route.index === index && route.gateway === undefined)
    .filter(({ destination }) => !destination.startsWith('fe80:') && !destination.startsWith('ff00:'));
  const isIn = (routes: readonly Route[], { destination }: Route) =>
    routes.some((route) => route.destination === destination);
  return {
    wanted,
    missing: wanted.filter((route) => !isIn(direct, route)),
    tooMany: direct.filter((route) => !isIn(wanted, route)),
  };
}
