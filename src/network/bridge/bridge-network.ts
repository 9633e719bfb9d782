import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { allEnded } from '../../async/all-ended.ts';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { ensureNetworkNamespace, renameNetworkNamespace } from '../../host/netns.ts';
import { runCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import { type ContainerId, taskIdOf } from '../../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import { NamespaceEndpoints } from '../endpoint/namespace-endpoints.ts';
import { BridgeFirewall } from '../firewall/bridge-firewall.ts';
import { findFirewall } from '../firewall/find-firewall.ts';
import type { Firewall, FirewallPlan } from '../firewall/firewall.ts';
import { ForwardAccept } from '../firewall/forward-accept.ts';
import type { ContainerNetwork, KnownOwners, LinkedContainer, Network } from '../network.ts';
import { networkStateDirectory } from '../network-state.ts';
import { TaskFiles } from '../task-files.ts';
import { BridgeLink, type BridgeSubnets } from './bridge-link.ts';
import { type BridgeNames, bridgeNames } from './bridge-names.ts';
import type { BridgeNetworkOptions } from './bridge-options.ts';
import { type ContainerAddress, nextAddress } from './container-address.ts';
import { containerFiles } from './container-files.ts';
import { ContainerLinks } from './container-links.ts';
import { publishedPorts, reportedBindings, shownAddresses } from './container-view.ts';
import { HostLinks } from './host-links.ts';
import { HostPorts } from './host-ports.ts';
import {
  type AddressedRecord,
  isAddressed,
  type NetworkRecord,
  type NetworkRecords,
  openNetworkRecords,
} from './network-record.ts';
import { redirectFlows } from './redirect-flows.ts';
import { type Spare, SpareLinks } from './spare-links.ts';

/** Hex digits of the container id that make its default name (NET-21). */
const DEFAULT_NAME_LENGTH = 12;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Bridge mode (networking.md §4, §11.3): every container has a namespace of its own with a link to one bridge,
 * and its ports are published on the host.
 *
 *   ports and address chosen ─► record ─► namespace ─► name files ║ link (CNI), rules, endpoint
 *
 * and back in the opposite order. What stands before the double bar is what the container is made with; the rest, which
 * takes longer, is made side by side while the runtime makes ready for the process. Where a spare is at hand, address,
 * namespace and link are the spare's. The record is written first and removed last, so that whatever a killed agent left
 * is found and either completed or taken down.
 */
export class BridgeNetwork implements Network {
  readonly #options: BridgeNetworkOptions;
  readonly #names: BridgeNames;
  readonly #hostRoot: string;
  readonly #ports: HostPorts;
  readonly #bridge: BridgeLink;
  readonly #links: ContainerLinks;
  readonly #spares: SpareLinks;
  readonly #firewall: BridgeFirewall;
  readonly #records: NetworkRecords;
  readonly #files: TaskFiles;
  readonly #endpoints: NamespaceEndpoints;
  readonly #lock = new KeyedLock();
  /** Containers that have something here; their addresses are taken. */
  readonly #known = new Map<ContainerId, NetworkRecord>();
  /** The address that was given last. */
  #last: string | undefined;
  #subnets: BridgeSubnets | undefined;

  private constructor(options: BridgeNetworkOptions) {
    const {
      runDir,
      namespace,
      run = runCommand,
      hostRoot = '/',
      netnsDirectory = '/run/netns',
      log,
    } = options;
    const directory = networkStateDirectory(runDir);
    this.#options = options;
    this.#names = bridgeNames(namespace);
    this.#hostRoot = hostRoot;
    this.#records = openNetworkRecords(join(directory, 'containers'));
    this.#files = new TaskFiles(runDir);
    this.#endpoints = new NamespaceEndpoints(options.takeConnection, run);
    this.#ports = new HostPorts({ range: options.portRange });
    this.#links = new ContainerLinks({
      names: this.#names,
      netnsDirectory,
      pluginDirectories: options.pluginDirectories,
      cacheDirectory: join(directory, 'results'),
      run,
    });
    this.#spares = new SpareLinks({
      wanted: options.spares,
      directory: join(directory, 'spares'),
      links: this.#links,
      bridge: (signal) => this.#ensureBridge(signal),
      chooseAddress: (subnets) => this.#chooseAddress(subnets),
      onTrouble: (error) => log.warn({ err: error }, 'no spare networks: containers wait for theirs'),
    });
    this.#bridge = new BridgeLink({
      names: this.#names,
      namespace,
      file: join(directory, 'bridge.json'),
      hostRoot,
      links: new HostLinks(run),
      inUse: () => [...this.#known.values()].some((record) => record.address4 !== undefined),
      ...(options.onBridge && { onReady: options.onBridge }),
    });
    let firewall: Promise<Firewall> | undefined;
    this.#firewall = new BridgeFirewall({
      firewall: async () => {
        firewall ??= findFirewall(this.#names.table, run, AbortSignal.timeout(CLOSE_TIMEOUT_MS));
        firewall.catch(() => {
          firewall = undefined;
        });
        return await firewall;
      },
      forward: new ForwardAccept({ bridge: this.#names.bridge, tag: this.#names.table, run }),
      plan: () => this.#plan(),
      onRestored: (what) => log.warn({ what }, 'packet filter rules were changed by somebody else; put back'),
      onTrouble: (error) => log.warn({ err: error }, 'packet filter rules cannot be checked; trying again'),
    });
  }

  /** Takes up what an earlier run of the agent left: its ports are reserved again and its rules looked after. */
  static async open(options: BridgeNetworkOptions): Promise<BridgeNetwork> {
    const network = new BridgeNetwork(options);
    await network.#resume();
    return network;
  }

  refusal({ networkMode }: TaskSpec): string | undefined {
    return networkMode === 'bridge' ? undefined : `network mode "${networkMode}" is not bridge`;
  }

  async prepareContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    { id, links = [], signal }: { id: ContainerId; links?: readonly LinkedContainer[]; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    return await this.#lock.run(id, async () => {
      const subnets = await this.#ensureBridge(signal);
      const reserved = await this.#reserve(task, container, id, subnets, signal);
      const path = this.#ensureNamespace(id, reserved, subnets);
      const { options } = container;
      const hostname = options.hostname ?? id.slice(0, DEFAULT_NAME_LENGTH);
      const contents = await containerFiles(this.#hostRoot, options, reserved, { hostname, links });
      return {
        namespace: { kind: 'path', path },
        hostname,
        mounts: await this.#files.ensure(reserved.task, id, contents, options.readonlyRootfs),
        bindings: reportedBindings(reserved, this.#options.reportedFamilies),
        addresses: shownAddresses(reserved),
      };
    });
  }

  /** Never makes a namespace: what the runtime has made ready is in the one that was prepared. */
  async completeContainerNetwork(
    _task: TaskSpec,
    _container: ContainerSpec,
    { id, signal }: { id: ContainerId; signal: AbortSignal },
  ): Promise<void> {
    await this.#lock.run(id, async () => {
      const record = this.#known.get(id);
      const path = this.#links.netnsOf(id);
      if (record === undefined || !isAddressed(record) || !this.#links.hasNamespace(id))
        throw new TaskError('ContainerNetworkingError', `the network namespace ${path} has been removed`);
      const subnets = await this.#ensureBridge(signal);
      await allEnded([
        this.#attach(id, record, subnets, signal),
        this.#endpoints.open(path, record.task, { signal }),
        this.#firewall.refresh().then(() => redirectFlows(record, this.#options.log)),
      ]);
      this.#spares.refillSoon();
    });
  }

  async releaseContainerNetwork(_task: TaskSpec, { id }: { id: ContainerId }): Promise<void> {
    await this.#release(id);
  }

  /** Everything is a container's. */
  async releaseTaskNetwork(): Promise<void> {}

  async removeTaskNetwork(task: TaskSpec): Promise<void> {
    const taskId = taskIdOf(task.arn);
    for (const record of [...this.#known.values()])
      if (record.task === taskId) await this.#release(record.id);
    await this.#files.remove(taskId);
  }

  async removeLeftovers({ knowsContainer }: KnownOwners): Promise<void> {
    for (const id of new Set([...this.#known.keys(), ...(await this.#links.list())]))
      if (!knowsContainer(id) && !this.#isSpare(id)) await this.#release(id);
  }

  async close(): Promise<void> {
    this.#endpoints.closeAll();
    await this.#firewall.close();
    this.#ports.close();
    await this.#spares.close();
    if (this.#known.size > 0) return;
    try {
      await this.#spares.removeAll();
      await this.#firewall.remove();
      await this.#bridge.remove({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
      await rm(networkStateDirectory(this.#options.runDir), { recursive: true, force: true });
    } catch (error) {
      this.#options.log.warn(
        { err: error },
        'bridge or packet filter rules were left; the next start has them',
      );
    }
  }

  async #resume(): Promise<void> {
    const { log } = this.#options;
    this.#subnets = await this.#bridge.resume();
    for (const record of await this.#records.list()) {
      this.#known.set(record.id, record);
      const lost = await this.#ports.hold(record.owner, record.bindings);
      for (const { protocol, port } of lost)
        log.warn({ protocol, port, containerId: record.id }, 'a published port was taken by another program');
      this.#reopenEndpoint(record);
    }
    const records = [...this.#known.values()];
    await this.#spares.resume(new Set(records.flatMap(({ spare }) => spare?.id ?? [])));
    // Rules are for containers that run already: nothing waits for them here.
    this.#firewall
      .refresh()
      .catch((error: unknown) => log.warn({ err: error }, 'cannot restore published ports'));
    this.#firewall.watch();
  }

  /** The rule is there as long as the namespace, or made with the rest where a container has not run yet. */
  #reopenEndpoint({ id, task }: NetworkRecord): void {
    if (!this.#links.hasNamespace(id)) return;
    try {
      this.#endpoints.listen(this.#links.netnsOf(id), task);
    } catch (error) {
      this.#options.log.warn({ err: error, containerId: id }, 'the container cannot ask 169.254.170.2');
    }
  }

  async #ensureBridge(signal: AbortSignal): Promise<BridgeSubnets> {
    const subnets = await this.#bridge.ensure({ signal });
    this.#subnets = subnets;
    return subnets;
  }

  /** Ports and address are chosen once for a container and written down before anybody can use them. */
  async #reserve(
    task: TaskSpec,
    container: ContainerSpec,
    id: ContainerId,
    subnets: BridgeSubnets,
    signal: AbortSignal,
  ): Promise<AddressedRecord> {
    const known = this.#known.get(id);
    if (known !== undefined && isAddressed(known)) return known;
    const owner = `container "${container.name}" (${id.slice(0, DEFAULT_NAME_LENGTH)}) of task ${task.arn}`;
    const bindings =
      known?.bindings ?? (await this.#ports.reserve(owner, container.portMappings ?? [], { signal }));
    const spare = this.#spares.take(subnets);
    let record: AddressedRecord;
    try {
      record = {
        version: 1,
        id,
        task: taskIdOf(task.arn),
        owner,
        bindings: [...bindings],
        ...(spare === undefined ? this.#chooseAddress(subnets) : addressedBy(spare)),
      };
      // Nobody else gets the address from now on.
      this.#known.set(id, record);
      await this.#records.write(id, record);
    } catch (error) {
      if (spare !== undefined) this.#spares.giveBack(spare);
      if (known === undefined) {
        this.#known.delete(id);
        this.#ports.release(owner);
      }
      throw error;
    }
    // Whose the spare is stands on disk.
    if (spare !== undefined) await this.#spares.forget(spare.id);
    return record;
  }

  #chooseAddress(subnets: BridgeSubnets): ContainerAddress {
    const taken = [...this.#known.values(), ...this.#spares.addresses].flatMap(({ address4, address6 }) => [
      address4,
      address6,
    ]);
    const address = nextAddress(subnets, new Set(taken.filter((one) => one !== undefined)), this.#last);
    if (address === undefined)
      throw new TaskError(
        'ContainerNetworkingError',
        `no address of ${subnets.subnet4} is free: as many containers as fit in there are on the bridge`,
      );
    this.#last = address.address4;
    return address;
  }

  /** The spare's under the container's own name, or a new one. */
  #ensureNamespace(id: ContainerId, { spare }: NetworkRecord, { subnet6 }: BridgeSubnets): string {
    const path = this.#links.netnsOf(id);
    if (spare === undefined) ensureNetworkNamespace(path, { ipv6: subnet6 !== undefined });
    else if (!renameNetworkNamespace(this.#links.netnsOf(spare.id), path))
      throw new TaskError('ContainerNetworkingError', `the network namespace ${path} has been removed`);
    return path;
  }

  async #attach(
    id: ContainerId,
    record: AddressedRecord,
    subnets: BridgeSubnets,
    signal: AbortSignal,
  ): Promise<void> {
    const { spare } = record;
    if (spare === undefined) await this.#links.attach(id, subnets, record, { signal });
    else if (!this.#links.isJoined(spare.hostEnd))
      throw new TaskError(
        'ContainerNetworkingError',
        `the container's link ${spare.hostEnd} is no port of the bridge ${this.#names.bridge} any more`,
      );
  }

  /**
   * Its ports are free when nobody is led to the container any more. A plugin that fails holds up neither namespace nor
   * ports; what it left is tried again.
   */
  async #release(id: ContainerId): Promise<void> {
    await this.#lock.run(id, async () => {
      const record = this.#known.get(id);
      // Whoever still holds a connection would keep link and namespace.
      this.#endpoints.close(this.#links.netnsOf(id));
      const [rules, link] = await Promise.allSettled([
        record && this.#unpublish(record),
        this.#links.detach(id, record?.spare?.id),
      ]);
      if (rules.status === 'rejected') throw rules.reason;
      if (record !== undefined) this.#ports.release(record.owner);
      if (link.status === 'rejected') {
        if (record !== undefined) await this.#records.write(id, { ...record, bindings: [] });
        throw link.reason;
      }
      await this.#records.remove(id);
      this.#known.delete(id);
    });
  }

  async #unpublish(record: NetworkRecord): Promise<void> {
    if (record.bindings.length === 0) return;
    this.#known.set(record.id, { ...record, bindings: [] });
    try {
      await this.#firewall.refresh();
    } catch (error) {
      this.#known.set(record.id, record);
      throw error;
    }
    await redirectFlows(record, this.#options.log);
  }

  /** Whether it is a spare's, taken or not. */
  #isSpare(id: ContainerId): boolean {
    return this.#spares.has(id) || [...this.#known.values()].some(({ spare }) => spare?.id === id);
  }

  #plan(): FirewallPlan | undefined {
    if (this.#subnets === undefined) return undefined;
    const published = [...this.#known.values()]
      .flatMap(publishedPorts)
      .toSorted((a, b) => a.hostPort - b.hostPort || a.protocol.localeCompare(b.protocol));
    return { bridge: this.#names.bridge, ...this.#subnets, published };
  }
}

function addressedBy({
  id,
  hostEnd,
  address4,
  address6,
}: Spare): Pick<AddressedRecord, 'address4' | 'address6' | 'spare'> {
  return { address4, ...(address6 !== undefined && { address6 }), spare: { id, hostEnd } };
}
