import { join } from 'node:path';
import { deleteLink, linksHere } from '../../host/links.ts';
import { inNetworkNamespace } from '../../host/netns.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import type { TaskId } from '../../task/ids.ts';
import { CniRunner } from '../cni/cni-runner.ts';
import type { CniConfig } from '../cni/cni-schema.ts';
import { taskNetworkStateDirectory } from '../network-state.ts';
import { awsvpcNames } from './awsvpc-names.ts';
import type { LocalRoutes } from './local-routes.ts';
import { trimOnLink } from './on-link.ts';

export interface BridgeLocalRoutesOptions {
  readonly runDir: string;
  /** The agent's containerd namespace; names on the host derive from it. */
  readonly namespace: string;
  readonly pluginDirectories: readonly string[];
  /** Address prefixes that tasks reach through the host (ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES). */
  readonly destinations: readonly string[];
  readonly run?: RunCommand;
}

/** What the Amazon ECS agent calls them (networking.md §6.4, §6.5). */
const LINK = 'ecs-eth0';
const SUBNET = '169.254.172.0/22';
const GATEWAY = '169.254.172.1';
const MTU = 1500;

/**
 * Local routes by the CNI plugins `bridge` and `host-local`: a bridge of the host with a link-local address, and a
 * second link of the task on it. Tasks do not reach each other there: only the host is on their link. Without
 * destinations nothing is made, and what an earlier run made is taken down with its tasks.
 */
export class BridgeLocalRoutes implements LocalRoutes {
  readonly #cni: CniRunner;
  readonly #config: CniConfig;
  readonly #bridge: string;
  readonly #isWanted: boolean;

  constructor({
    runDir,
    namespace,
    pluginDirectories,
    destinations,
    run = runCommand,
  }: BridgeLocalRoutesOptions) {
    const directory = taskNetworkStateDirectory(runDir);
    const { bridge, network } = awsvpcNames(namespace);
    this.#bridge = bridge;
    this.#isWanted = destinations.length > 0;
    this.#cni = new CniRunner({ pluginDirectories, cacheDirectory: join(directory, 'results'), run });
    this.#config = {
      cniVersion: '1.0.0',
      name: network,
      plugins: [
        {
          type: 'bridge',
          bridge,
          isGateway: true,
          ipMasq: false,
          mtu: MTU,
          // Plugins that know it keep tasks apart on the bridge as well.
          portIsolation: true,
          ipam: {
            type: 'host-local',
            dataDir: join(directory, 'ipam'),
            ranges: [[{ subnet: SUBNET, gateway: GATEWAY }]],
            routes: destinations.map((dst) => ({ dst })),
          },
        },
      ],
    };
  }

  async ensure(task: TaskId, netns: string, { signal }: { signal: AbortSignal }): Promise<void> {
    if (!this.#isWanted) return;
    await this.#cni.ensureAttached(this.#config, { containerId: task, netns, ifName: LINK }, { signal });
    inNetworkNamespace(netns, () => trimOnLink(LINK, [GATEWAY]));
  }

  async release(task: TaskId): Promise<void> {
    await this.#cni.detach({ network: this.#config.name, containerId: task, ifName: LINK });
  }

  async remove(): Promise<void> {
    const bridge = linksHere().find(({ name, kind }) => name === this.#bridge && kind === 'bridge');
    if (bridge !== undefined) deleteLink(bridge);
  }
}
