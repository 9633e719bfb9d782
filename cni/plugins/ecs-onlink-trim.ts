import { inNetworkNamespace } from '../../src/host/netns.ts';
import { compareOnLink, trimOnLink } from '../../src/network/awsvpc/on-link.ts';
import type { CniResult } from '../../src/network/cni/cni-result.ts';
import { z } from '../../src/schema.ts';
import { runCniPlugin } from '../run-plugin.ts';

/**
 * `ecs-onlink-trim`: behind `bridge`, leaves the namespace only the gateway on the link, so that tasks on the bridge
 * cannot reach each other by it (networking.md §11.4).
 */
await runCniPlugin({
  config: z.looseObject({}),
  isChained: true,
  async add({ netns, ifName, prevResult }) {
    inNetworkNamespace(netns, () => trimOnLink(ifName, gatewaysOf(prevResult)));
    return undefined;
  },
  // The routes go with the link.
  del() {},
  check: ({ netns, ifName, prevResult }) =>
    inNetworkNamespace(netns, () => {
      const { missing, tooMany } = compareOnLink(ifName, gatewaysOf(prevResult));
      return [
        ...missing.map(({ destination }) => `there is no route to ${destination} on ${ifName}`),
        ...tooMany.map(({ destination }) => `${destination} is reached directly on ${ifName}`),
      ];
    }),
});

function gatewaysOf(result: CniResult | undefined): readonly string[] {
  return (result?.ips ?? []).flatMap(({ gateway }) => gateway ?? []);
}
