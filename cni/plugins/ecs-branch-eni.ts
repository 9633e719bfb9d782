import {
  attachBranchEni,
  type BranchEniLink,
  findBranch,
  removeBranchEni,
} from '../../src/network/awsvpc/branch-eni.ts';
import { z } from '../../src/schema.ts';
import { eniFailure, eniLinkOf, eniSchema, macSchema, wrongWithEni } from '../eni-config.ts';
import { runCniPlugin } from '../run-plugin.ts';

const schema = z.looseObject({
  ...eniSchema.shape,
  trunkMac: macSchema,
  vlanId: z.int().check(z.minimum(1), z.maximum(4_094)),
});

function branchOf(config: z.output<typeof schema>, ifName: string): BranchEniLink {
  return { ...eniLinkOf(config, ifName), trunkMacAddress: config.trunkMac, vlanId: config.vlanId };
}

/** `ecs-branch-eni`: makes a vlan of a trunk ENI in the namespace, and deletes it (networking.md §11.5, §12). */
await runCniPlugin({
  config: schema,
  isChained: false,
  async add({ config, netns, ifName }) {
    const eni = branchOf(config, ifName);
    try {
      const { signal } = new AbortController();
      const { name, mac, mtu } = await attachBranchEni(netns, eni, { signal });
      return { name, mac, mtu, addresses: eni.addresses, gateways: eni.gateways };
    } catch (error) {
      throw eniFailure(error);
    }
  },
  del({ config, netns }) {
    removeBranchEni(netns, config.mac);
  },
  check: ({ config, netns, ifName }) =>
    wrongWithEni(netns, branchOf(config, ifName), (links) => findBranch(links, config.mac)),
});
