import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { allowLoopbackRouting } from '../../host/loopback-routing.ts';
import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';
import { readHostFile } from '../host-files.ts';
import { type BridgeNames, bridgeMac } from './bridge-names.ts';
import { allowForwarding, type HostLinks, keepRouterAdvertisements, linkExists } from './host-links.ts';
import { firstFreeSubnet, uniqueLocalSubnet } from './subnet.ts';

const subnetsSchema = z.object({ subnet4: z.string(), subnet6: z.exactOptional(z.string()) });

/** The bridge as containers see it: their default gateway. */
export interface BridgeAddress {
  /** The link. */
  readonly name: string;
  readonly ipv4: string;
}

/** Networks of the containers on the bridge; the first address of each is the bridge's own. */
export type BridgeSubnets = z.output<typeof subnetsSchema>;

export interface BridgeLinkOptions {
  readonly names: BridgeNames;
  readonly namespace: string;
  /** Where the choice of subnets is kept. */
  readonly file: string;
  readonly hostRoot: string;
  readonly links: HostLinks;
  /** Whether containers live by the choice that was made earlier. */
  inUse(): boolean;
  /** Told whenever the bridge has been made, or found as an earlier run had made it. */
  onReady?(bridge: BridgeAddress): void;
}

interface Call {
  readonly signal: AbortSignal;
}

/** The bridge that all containers of one agent share; made with the first of them. */
export class BridgeLink {
  readonly #options: BridgeLinkOptions;
  readonly #lock = new KeyedLock();
  #subnets: BridgeSubnets | undefined;

  constructor(options: BridgeLinkOptions) {
    this.#options = options;
  }

  /** Makes the bridge as it was, or on the first free subnet. Rejects with `ContainerNetworkingError`. */
  async ensure(call: Call): Promise<BridgeSubnets> {
    const { bridge } = this.#options.names;
    return await this.#lock.run(bridge, async () => {
      if (this.#subnets !== undefined && linkExists(bridge)) {
        allowForwarding({ ipv6: this.#subnets.subnet6 !== undefined });
        return this.#subnets;
      }
      // Without link and containers an earlier choice binds nobody, and may collide with what came up since.
      const binding = linkExists(bridge) || this.#options.inUse();
      const subnets = (binding ? await this.saved() : undefined) ?? (await this.#choose(call));
      await this.#make(subnets, call);
      this.#subnets = subnets;
      return subnets;
    });
  }

  /** Takes up what an earlier run made, if it did. */
  async resume(): Promise<BridgeSubnets | undefined> {
    const subnets = await this.saved();
    if (subnets !== undefined && linkExists(this.#options.names.bridge)) this.#ready(subnets);
    return subnets;
  }

  /** The choice that was made earlier, if any. */
  async saved(): Promise<BridgeSubnets | undefined> {
    try {
      return subnetsSchema.parse(JSON.parse(await readFile(this.#options.file, 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Removes the bridge and the choice. */
  async remove(call: Call): Promise<void> {
    this.#subnets = undefined;
    await this.#options.links.removeLink(this.#options.names.bridge, call);
    await rm(this.#options.file, { force: true });
  }

  async #make({ subnet4, subnet6 }: BridgeSubnets, call: Call): Promise<void> {
    const { names, namespace, links } = this.#options;
    if (subnet6 !== undefined) await keepRouterAdvertisements();
    allowForwarding({ ipv6: subnet6 !== undefined });
    const addresses = [subnet4, ...(subnet6 === undefined ? [] : [subnet6])].map(gatewayOf);
    await links.ensureBridge(names.bridge, bridgeMac(namespace), addresses, call);
    allowLoopbackRouting(names.bridge);
    this.#ready({ subnet4 });
  }

  #ready({ subnet4 }: BridgeSubnets): void {
    const { onReady, names } = this.#options;
    onReady?.({ name: names.bridge, ipv4: gatewayOf(subnet4).replace(/\/.*/, '') });
  }

  async #choose(call: Call): Promise<BridgeSubnets> {
    const { names, namespace, file, hostRoot, links } = this.#options;
    const [{ taken4, ipv6 }, resolvConf, machineId] = await Promise.all([
      links.observe(names.bridge, call),
      readHostFile(hostRoot, 'etc/resolv.conf'),
      readHostFile(hostRoot, 'etc/machine-id'),
    ]);
    const servers = [...resolvConf.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);
    const subnet4 = firstFreeSubnet([...taken4, ...servers]);
    if (subnet4 === undefined)
      throw new TaskError(
        'ContainerNetworkingError',
        'no subnet is free for the bridge: 172.17.0.0/16 to 172.31.0.0/16 and 192.168.0.0/16 are all routed by the host',
      );
    const subnets = { subnet4, ...(ipv6 && { subnet6: uniqueLocalSubnet(machineId, namespace) }) };
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const part = join(dirname(file), 'bridge.part');
    await writeFile(part, JSON.stringify(subnets));
    await rename(part, file);
    return subnets;
  }
}

/** The first address of a subnet, with its prefix length. */
export function gatewayOf(subnet: string): string {
  const [base = '', prefix = ''] = subnet.split('/');
  return `${base.includes(':') ? `${base}1` : base.replace(/0$/, '1')}/${prefix}`;
}
