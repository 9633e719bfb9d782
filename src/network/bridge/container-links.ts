import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../async/deadline.ts';
import { deleteLink, linksHere } from '../../host/links.ts';
import { isNetworkNamespace, removeNetworkNamespace } from '../../host/netns.ts';
import type { RunCommand } from '../../host/run-command.ts';
import { type ContainerId, containerId } from '../../task/ids.ts';
import type { CniKey } from '../cni/cni-cache.ts';
import { CniRunner } from '../cni/cni-runner.ts';
import { addressLink, bridgeAttachment, macOf } from './bridge-attachment.ts';
import type { BridgeSubnets } from './bridge-link.ts';
import type { BridgeNames } from './bridge-names.ts';
import type { ContainerAddress } from './container-address.ts';
import { linkExists } from './host-links.ts';

export interface ContainerLinksOptions {
  readonly names: BridgeNames;
  /** Where namespaces have their names. */
  readonly netnsDirectory: string;
  readonly pluginDirectories: readonly string[];
  /** Keeps what is attached; must outlive the agent. */
  readonly cacheDirectory: string;
  readonly run: RunCommand;
}

const LINK = 'eth0';
/** How long the kernel may take to clear a namespace away; measured: 7 to 30 ms. */
const CLEARED_WITHIN_MS = 500;
const LOOK_AGAIN_MS = 5;

/** Namespaces of containers, or of spares, and in each a link to the bridge that CNI makes. */
export class ContainerLinks {
  readonly #names: BridgeNames;
  readonly #directory: string;
  readonly #cni: CniRunner;

  constructor({ names, netnsDirectory, ...cni }: ContainerLinksOptions) {
    this.#names = names;
    this.#directory = netnsDirectory;
    this.#cni = new CniRunner(cni);
  }

  /** Path of the namespace. */
  netnsOf(id: ContainerId): string {
    return join(this.#directory, this.#names.netns(id));
  }

  /**
   * Makes the link in the namespace of `id`, or proves that it is whole. Gives the name of its end on the host. Rejects
   * with `ContainerNetworkingError`.
   */
  async attach(
    id: ContainerId,
    subnets: BridgeSubnets,
    address: ContainerAddress,
    { signal }: { signal: AbortSignal },
  ): Promise<string | undefined> {
    const netns = this.netnsOf(id);
    const known = await this.#hostEnd(id);
    // The plugin's own CHECK fails where it has been told to give no addresses.
    const isWhole = known !== undefined && this.isJoined(known);
    if (!isWhole) {
      const args = [
        ['IgnoreUnknown', '1'],
        ['MAC', macOf(address)],
      ] as const;
      await this.#cni.ensureAttached(
        bridgeAttachment(this.#names),
        { containerId: id, netns, ifName: LINK, args },
        { signal },
      );
    }
    addressLink(netns, LINK, subnets, address);
    return isWhole ? known : await this.#hostEnd(id);
  }

  /** Whether the link with that end on the host is a port of the bridge and up; never yields. */
  isJoined(hostEnd: string): boolean {
    const links = linksHere();
    const bridge = links.find(({ name }) => name === this.#names.bridge);
    const link = links.find(({ name }) => name === hostEnd);
    return bridge !== undefined && link?.master === bridge.index && link.isUp;
  }

  /**
   * Takes namespace and link away. `madeFor`: the id that the link was made under, if another. The name of the namespace
   * goes first: the kernel clears the link away while the plugin runs, and takes less time for it.
   */
  async detach(id: ContainerId, madeFor: ContainerId = id): Promise<void> {
    const hostEnd = await this.#hostEnd(madeFor);
    const removeNamespace = () => {
      for (const each of new Set([id, madeFor])) removeNetworkNamespace(this.netnsOf(each));
    };
    // What an ADD left that did not come to its end is the plugin's to find.
    if (hostEnd !== undefined) removeNamespace();
    try {
      await this.#cni.detach(this.#keyOf(madeFor));
    } finally {
      removeNamespace();
    }
    if (hostEnd !== undefined) await cleared(hostEnd);
  }

  /** Whoever has a link or a namespace: by what CNI remembers and by names of namespaces. */
  async list(): Promise<readonly ContainerId[]> {
    const attached = await this.#cni.list();
    const netns = await readdir(this.#directory).catch(() => []);
    return [
      ...attached.map((key) => containerId(key.containerId)),
      ...netns.map((name) => this.#names.containerOf(name)).filter((id) => id !== undefined),
    ];
  }

  hasNamespace(id: ContainerId): boolean {
    return isNetworkNamespace(this.netnsOf(id));
  }

  #keyOf(id: ContainerId): CniKey {
    return { network: this.#names.network, containerId: id, ifName: LINK };
  }

  /** What the plugin called the link's end on the host; undefined: it has not made the link, or not to the end. */
  async #hostEnd(id: ContainerId): Promise<string | undefined> {
    const result = await this.#cni.resultOf(this.#keyOf(id));
    const onHost = result?.interfaces.filter(({ sandbox = '' }) => sandbox === '') ?? [];
    return onHost.find(({ name }) => name !== this.#names.bridge)?.name;
  }
}

/** Waits for the end of a link whose namespace has no name any more; where a process holds that, the link is deleted. */
async function cleared(hostEnd: string): Promise<void> {
  const giveUpAt = performance.now() + CLEARED_WITHIN_MS;
  while (linkExists(hostEnd)) {
    if (performance.now() < giveUpAt) await sleep(LOOK_AGAIN_MS);
    else {
      const link = linksHere().find(({ name }) => name === hostEnd);
      if (link !== undefined) deleteLink(link);
      return;
    }
  }
}
