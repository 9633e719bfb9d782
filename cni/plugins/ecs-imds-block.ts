import { inNetworkNamespace } from '../../src/host/netns.ts';
import { blockInstanceMetadata } from '../../src/network/awsvpc/eni-link.ts';
import { z } from '../../src/schema.ts';
import { wrongWithBlock } from '../eni-config.ts';
import { runCniPlugin } from '../run-plugin.ts';

/** `ecs-imds-block`: keeps what runs in the namespace from the instance metadata service (networking.md §6.6). */
await runCniPlugin({
  config: z.looseObject({}),
  isChained: false,
  async add({ netns }) {
    inNetworkNamespace(netns, () => blockInstanceMetadata());
    return undefined;
  },
  // The routes go with the namespace.
  del() {},
  check: ({ netns }) => inNetworkNamespace(netns, wrongWithBlock),
});
