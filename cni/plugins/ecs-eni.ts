import { findDevice } from '../../src/host/links.ts';
import { attachEni, giveBackEni } from '../../src/network/awsvpc/eni-device.ts';
import { eniFailure, eniLinkOf, eniSchema, wrongWithEni } from '../eni-config.ts';
import { runCniPlugin } from '../run-plugin.ts';

/** `ecs-eni`: takes an ENI, found by its MAC address, into the namespace, and gives it back (networking.md §12). */
await runCniPlugin({
  config: eniSchema,
  isChained: false,
  async add({ config, netns, ifName }) {
    const eni = eniLinkOf(config, ifName);
    try {
      const { signal } = new AbortController();
      const { name, mac, mtu } = await attachEni(netns, eni, { signal });
      return { name, mac, mtu, addresses: eni.addresses, gateways: eni.gateways };
    } catch (error) {
      throw eniFailure(error);
    }
  },
  del({ config, netns }) {
    if (netns !== '') giveBackEni(netns, config.mac);
  },
  check: ({ config, netns, ifName }) =>
    wrongWithEni(netns, eniLinkOf(config, ifName), (links) => findDevice(links, config.mac)),
});
