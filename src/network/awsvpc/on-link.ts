import { type Link, linksHere } from '../../host/links.ts';
import { addRoute, type Route, removeRoute, routesHere } from '../../host/routes.ts';

/** How the direct routes of a link differ from those that are wanted: to its gateways alone. */
export interface OnLinkDifference {
  readonly missing: readonly Route[];
  readonly tooMany: readonly Route[];
}

/** Looks at a link of the thread's namespace. Throws when there is none of that name. */
export function compareOnLink(ifName: string, gateways: readonly string[]): OnLinkDifference {
  const { index } = findLink(ifName);
  const wanted = [...new Set(gateways)].map((gateway): Route => {
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
    missing: wanted.filter((route) => !isIn(direct, route)),
    tooMany: direct.filter((route) => !isIn(wanted, route)),
  };
}

/**
 * Leaves a link of the thread's namespace only its gateways, so that neighbours on its network cannot be reached by
 * it (networking.md §6.5). May be repeated.
 */
export function trimOnLink(ifName: string, gateways: readonly string[]): void {
  const { missing, tooMany } = compareOnLink(ifName, gateways);
  // First the way to the gateway: routes via it would go with the last way there.
  for (const route of missing) addRoute(route);
  for (const route of tooMany) removeRoute(route);
}

function findLink(ifName: string): Link {
  const link = linksHere().find(({ name }) => name === ifName);
  if (link === undefined) throw new Error(`the namespace has no link ${ifName}`);
  return link;
}
