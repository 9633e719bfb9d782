import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { allEnded } from '../../async/all-ended.ts';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { forgetUdpFlows } from '../../host/conntrack.ts';
import { ensureNetworkNamespace, isNetworkNamespace, removeNetworkNamespace } from '../../host/netns.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import { type ContainerId, containerId, taskIdOf } from '../../task/ids.ts';
import type { ReportedFamilies } from '../../task/port-mapping.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import { CniRunner } from '../cni/cni-runner.ts';
import { NamespaceEndpoints, type TakeConnection } from '../endpoint/namespace-endpoints.ts';
import { BridgeFirewall } from '../firewall/bridge-firewall.ts';
import { findFirewall } from '../firewall/find-firewall.ts';
import type { Firewall, FirewallPlan } from '../firewall/firewall.ts';
import { ForwardAccept } from '../firewall/forward-accept.ts';
import type { ContainerNetwork, KnownOwners, LinkedContainer, Network } from '../network.ts';
import { networkStateDirectory } from '../network-state.ts';
import { TaskFiles } from '../task-files.ts';
import { bridgeAttachment } from './bridge-attachment.ts';
import { type BridgeAddress, BridgeLink, type BridgeSubnets } from './bridge-link.ts';
import { type BridgeNames, bridgeNames } from './bridge-names.ts';
import { type ContainerAddress, nextAddress } from './container-address.ts';
import { containerFiles } from './container-files.ts';
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

/** What this network says of itself; pino's logger fits. */
export interface NetworkLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

export interface BridgeNetworkOptions {
  /** The agent's run directory: what is kept there outlives the agent, not the boot. */
  readonly runDir: string;
  /** The agent's containerd namespace; names on the host derive from it. */
  readonly namespace: string;
  readonly pluginDirectories: readonly string[];
  /** First and last dynamic host port. */
  readonly portRange: { readonly first: number; readonly last: number };
  readonly reportedFamilies: ReportedFamilies;
  readonly log: NetworkLog;
  /** Where the host's files are seen; default `/`. */
  readonly hostRoot?: string;
  /** Default /run/netns, where ip-netns(8) looks. */
  readonly netnsDirectory?: string;
  readonly run?: RunCommand;
  /** Answers what containers ask 169.254.170.2. */
  readonly takeConnection: TakeConnection;
  /** Told whenever the bridge is there, so that something can be served on it. */
  readonly onBridge?: (bridge: BridgeAddress) => void;
}

/** Hex digits of the container id that make its default name (NET-21). */
const DEFAULT_NAME_LENGTH = 12;
const LINK = 'eth0';
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Bridge mode (networking.md §4, §11.3): every container has a namespace of its own with a link to one bridge,
 * and its ports are published on the host.
 *
 *   ports and address chosen ─► record ─► namespace ─► name files ║ link (CNI), rules, endpoint
 *
 * and back in the opposite order. What stands before the double bar is what the container is made with; the rest, which
 * takes longer, is made side by side while the runtime makes ready for the process. The record is written first and
 * removed last, so that whatever a killed agent left is found and either completed or taken down.
 */
export class BridgeNetwork implements Network {
  readonly #options: BridgeNetworkOptions;
  readonly #names: BridgeNames;
  readonly #netnsDirectory: string;
  readonly #hostRoot: string;
  readonly #cni: CniRunner;
  readonly #ports: HostPorts;
  readonly #link: BridgeLink;
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
    this.#netnsDirectory = netnsDirectory;
    this.#hostRoot = hostRoot;
    this.#records = openNetworkRecords(join(directory, 'containers'));
    this.#files = new TaskFiles(runDir);
    this.#endpoints = new NamespaceEndpoints(options.takeConnection, run);
    this.#ports = new HostPorts({ range: options.portRange });
    this.#cni = new CniRunner({
      pluginDirectories: options.pluginDirectories,
      cacheDirectory: join(directory, 'results'),
      run,
    });
    this.#link = new BridgeLink({
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
      const path = this.#netnsOf(id);
      ensureNetworkNamespace(path, { ipv6: subnets.subnet6 !== undefined });
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
      const path = this.#netnsOf(id);
      if (record === undefined || !isAddressed(record) || !isNetworkNamespace(path))
        throw new TaskError('ContainerNetworkingError', `the network namespace ${path} has been removed`);
      const attachment = bridgeAttachment(this.#names, await this.#ensureBridge(signal), record);
      await allEnded([
        this.#cni.ensureAttached(
          attachment,
          { containerId: id, netns: path, ifName: LINK, args: [['IgnoreUnknown', '1']] },
          { signal },
        ),
        this.#endpoints.open(path, record.task, { signal }),
        this.#firewall.refresh().then(() => this.#redirectFlows(record)),
      ]);
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
    for (const id of await this.#everything()) if (!knowsContainer(id)) await this.#release(id);
  }

  async close(): Promise<void> {
    this.#endpoints.closeAll();
    await this.#firewall.close();
    this.#ports.close();
    if (this.#known.size > 0) return;
    try {
      await this.#firewall.remove();
      await this.#link.remove({ signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) });
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
    this.#subnets = await this.#link.resume();
    for (const record of await this.#records.list()) {
      this.#known.set(record.id, record);
      const lost = await this.#ports.hold(record.owner, record.bindings);
      for (const { protocol, port } of lost)
        log.warn({ protocol, port, containerId: record.id }, 'a published port was taken by another program');
      this.#reopenEndpoint(record);
    }
    // Rules are for containers that run already: nothing waits for them here.
    this.#firewall
      .refresh()
      .catch((error: unknown) => log.warn({ err: error }, 'cannot restore published ports'));
    this.#firewall.watch();
  }

  /** The rule is there as long as the namespace, or made with the rest where a container has not run yet. */
  #reopenEndpoint({ id, task }: NetworkRecord): void {
    const path = this.#netnsOf(id);
    if (!isNetworkNamespace(path)) return;
    try {
      this.#endpoints.listen(path, task);
    } catch (error) {
      this.#options.log.warn({ err: error, containerId: id }, 'the container cannot ask 169.254.170.2');
    }
  }

  async #ensureBridge(signal: AbortSignal): Promise<BridgeSubnets> {
    const subnets = await this.#link.ensure({ signal });
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
    try {
      const record: AddressedRecord = {
        version: 1,
        id,
        task: taskIdOf(task.arn),
        owner,
        bindings: [...bindings],
        ...this.#chooseAddress(subnets),
      };
      // Nobody else gets the address from now on.
      this.#known.set(id, record);
      await this.#records.write(id, record);
      return record;
    } catch (error) {
      if (known === undefined) {
        this.#known.delete(id);
        this.#ports.release(owner);
      }
      throw error;
    }
  }

  #chooseAddress(subnets: BridgeSubnets): ContainerAddress {
    const taken = [...this.#known.values()].flatMap(({ address4, address6 }) => [address4, address6]);
    const address = nextAddress(subnets, new Set(taken.filter((one) => one !== undefined)), this.#last);
    if (address === undefined)
      throw new TaskError(
        'ContainerNetworkingError',
        `no address of ${subnets.subnet4} is free: as many containers as fit in there are on the bridge`,
      );
    this.#last = address.address4;
    return address;
  }

  /**
   * Its ports are free when nobody is led to the container any more. A plugin that fails holds up neither namespace nor
   * ports; what it left is tried again.
   */
  async #release(id: ContainerId): Promise<void> {
    await this.#lock.run(id, async () => {
      const record = this.#known.get(id);
      const path = this.#netnsOf(id);
      // Whoever still holds a connection would keep link and namespace.
      this.#endpoints.close(path);
      const [rules, link] = await Promise.allSettled([
        record && this.#unpublish(record),
        this.#cni.detach({ network: this.#names.network, containerId: id, ifName: LINK }),
      ]);
      removeNetworkNamespace(path);
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
    await this.#redirectFlows(record);
  }

  /** Datagrams under way follow the rules of now. Without that the container works for everybody who begins later. */
  async #redirectFlows({ bindings }: NetworkRecord): Promise<void> {
    const ports = bindings
      .filter(({ protocol }) => protocol === 'udp')
      .flatMap(({ hostPort, rangeLength = 1 }) =>
        Array.from({ length: rangeLength }, (_, i) => hostPort + i),
      );
    if (ports.length === 0) return;
    try {
      await forgetUdpFlows(new Set(ports));
    } catch (error) {
      this.#options.log.warn({ err: error, ports }, 'flows of UDP ports go on as they are');
    }
  }

  /** By records, by what CNI remembers, by names of namespaces. */
  async #everything(): Promise<ReadonlySet<ContainerId>> {
    const attached = await this.#cni.list();
    const netns = await namesIn(this.#netnsDirectory);
    return new Set([
      ...this.#known.keys(),
      ...attached.map((key) => containerId(key.containerId)),
      ...netns.map((name) => this.#names.containerOf(name)).filter((id) => id !== undefined),
    ]);
  }

  #netnsOf(id: ContainerId): string {
    return join(this.#netnsDirectory, this.#names.netns(id));
  }

  #plan(): FirewallPlan | undefined {
    if (this.#subnets === undefined) return undefined;
    const published = [...this.#known.values()]
      .flatMap(publishedPorts)
      .toSorted((a, b) => a.hostPort - b.hostPort || a.protocol.localeCompare(b.protocol));
    return { bridge: this.#names.bridge, ...this.#subnets, published };
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch(() => []);
}
