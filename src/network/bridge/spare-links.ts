import { randomBytes } from 'node:crypto';
import { ensureNetworkNamespace } from '../../host/netns.ts';
import { z } from '../../schema.ts';
import { type ContainerId, containerId } from '../../task/ids.ts';
import { RecordFiles } from '../record-files.ts';
import type { BridgeSubnets } from './bridge-link.ts';
import type { ContainerAddress } from './container-address.ts';
import type { ContainerLinks } from './container-links.ts';

const spareSchema = z.object({
  version: z.literal(1),
  /** Names its namespace and its link, as a container's id does. */
  id: z.pipe(z.string(), z.transform(containerId)),
  subnet4: z.string(),
  address4: z.string(),
  address6: z.exactOptional(z.string()),
  /** The link's end on the host; absent: it has not been made to the end. */
  hostEnd: z.exactOptional(z.string()),
});

type SpareRecord = z.output<typeof spareSchema>;

/** A namespace with a link to the bridge that no container has yet. */
export type Spare = SpareRecord & { readonly hostEnd: string };

export interface SparesWanted {
  readonly count: number;
  /** How long after a container wanted one they are made up to their number: by then it has started. */
  readonly afterMs: number;
}

export interface SpareLinksOptions {
  readonly wanted: SparesWanted;
  /** Keeps what is known of them; must outlive the agent. */
  readonly directory: string;
  readonly links: ContainerLinks;
  /** The bridge, made if it is not there. */
  bridge(signal: AbortSignal): Promise<BridgeSubnets>;
  /** An address that nobody has; throws where there is none. */
  chooseAddress(subnets: BridgeSubnets): ContainerAddress;
  onTrouble(error: unknown): void;
}

const MAKE_TIMEOUT_MS = 30_000;

/**
 * Keeps a few namespaces with their link ready, for containers that then wait for none. They are made when some have
 * been used, never on a host that has had no container on the bridge. Written down before anything of them is made, so
 * that the next run of the agent goes on with the whole ones and takes down the others.
 */
export class SpareLinks {
  readonly #options: SpareLinksOptions;
  readonly #records: RecordFiles<ContainerId, SpareRecord>;
  /** All of which there is something, whole or not. */
  readonly #spares = new Map<ContainerId, SpareRecord>();
  #timer: NodeJS.Timeout | undefined;
  #filling: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(options: SpareLinksOptions) {
    this.#options = options;
    this.#records = new RecordFiles(options.directory, spareSchema, (id: ContainerId) => `${id}.json`);
  }

  /** Takes up those of an earlier run, except what containers have `taken` by then. */
  async resume(taken: ReadonlySet<ContainerId>): Promise<void> {
    for (const spare of await this.#records.list())
      if (taken.has(spare.id)) await this.#records.remove(spare.id);
      else this.#spares.set(spare.id, spare);
    if (this.#spares.size > 0) this.refillSoon();
  }

  has(id: ContainerId): boolean {
    return this.#spares.has(id);
  }

  /** Addresses that they have, or are about to have. */
  get addresses(): readonly ContainerAddress[] {
    return [...this.#spares.values()];
  }

  /**
   * One that is whole and in that subnet, for the caller alone; undefined: there is none. The caller has written down
   * that it has it before it calls `forget`, or gives it back.
   */
  take({ subnet4 }: BridgeSubnets): Spare | undefined {
    const spare = [...this.#spares.values()].find((one) => one.subnet4 === subnet4 && this.#isWhole(one));
    if (spare === undefined || !hasLink(spare)) return undefined;
    this.#spares.delete(spare.id);
    return spare;
  }

  async forget(id: ContainerId): Promise<void> {
    await this.#records.remove(id);
  }

  giveBack(spare: Spare): void {
    this.#spares.set(spare.id, spare);
  }

  /** Makes them up to their number after a while. */
  refillSoon(): void {
    const { wanted, onTrouble } = this.#options;
    if (wanted.count === 0 || this.#stop.signal.aborted) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#filling = this.#filling
        .then(() => this.#fill())
        .catch((error: unknown) => {
          if (!this.#stop.signal.aborted) onTrouble(error);
        });
    }, wanted.afterMs).unref();
  }

  /** Makes no more; those that are there stay. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#timer);
    await this.#filling;
  }

  /** Takes all of them down, after `close`. */
  async removeAll(): Promise<void> {
    for (const { id } of [...this.#spares.values()]) await this.#remove(id);
  }

  async #fill(): Promise<void> {
    for (const spare of [...this.#spares.values()]) if (!this.#isWhole(spare)) await this.#remove(spare.id);
    while (this.#spares.size < this.#options.wanted.count && !this.#stop.signal.aborted) await this.#make();
  }

  async #make(): Promise<void> {
    const { links, bridge, chooseAddress } = this.#options;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(MAKE_TIMEOUT_MS)]);
    const subnets = await bridge(signal);
    const id = containerId(randomBytes(32).toString('hex'));
    const spare: SpareRecord = { version: 1, id, subnet4: subnets.subnet4, ...chooseAddress(subnets) };
    // Nobody else gets the address from now on.
    this.#spares.set(id, spare);
    try {
      await this.#records.write(id, spare);
      ensureNetworkNamespace(links.netnsOf(id), { ipv6: subnets.subnet6 !== undefined });
      const hostEnd = await links.attach(id, subnets, spare, { signal });
      if (hostEnd === undefined) throw new Error('the CNI plugin bridge does not name the link that it made');
      await this.#records.write(id, { ...spare, hostEnd });
      this.#spares.set(id, { ...spare, hostEnd });
    } catch (error) {
      await this.#remove(id);
      signal.throwIfAborted();
      throw error;
    }
  }

  async #remove(id: ContainerId): Promise<void> {
    await this.#options.links.detach(id);
    await this.#records.remove(id);
    this.#spares.delete(id);
  }

  #isWhole(spare: SpareRecord): boolean {
    const { links } = this.#options;
    return hasLink(spare) && links.hasNamespace(spare.id) && links.isJoined(spare.hostEnd);
  }
}

function hasLink(spare: SpareRecord): spare is Spare {
  return spare.hostEnd !== undefined;
}
