import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { forgetUdpFlows } from '../../host/conntrack.ts';
import { ensureNetworkNamespace, isNetworkNamespace, removeNetworkNamespace } from '../../host/netns.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import { type ContainerId, containerId, taskIdOf } from '../../task/ids.ts';
import type { ReportedFamilies } from '../../task/port-mapping.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import { CniRunner } from '../cni/cni-runner.ts';
import type { CniConfig } from '../cni/cni-schema.ts';
import { NamespaceEndpoints, type TakeConnection } from '../endpoint/namespace-endpoints.ts';
import { BridgeFirewall } from '../firewall/bridge-firewall.ts';
import { findFirewall } from '../firewall/find-firewall.ts';
import type { Firewall, FirewallPlan } from '../firewall/firewall.ts';
import { ForwardAccept } from '../firewall/forward-accept.ts';
import { resolvConfFor } from '../host-files.ts';
import { hostsFile, parseExtraHost } from '../name-files.ts';
import type { ContainerNetwork, KnownOwners, LinkedContainer, Network } from '../network.ts';
import { networkStateDirectory } from '../network-state.ts';
import { TaskFiles } from '../task-files.ts';
import { type BridgeAddress, BridgeLink, type BridgeSubnets } from './bridge-link.ts';
import { type BridgeNames, bridgeNames } from './bridge-names.ts';
import { addressesOf, publishedPorts, reportedBindings, shownAddresses } from './container-view.ts';
import { HostLinks } from './host-links.ts';
import { HostPorts } from './host-ports.ts';
import { type NetworkRecord, type NetworkRecords, openNetworkRecords } from './network-record.ts';

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
/** What Docker gives (NET-112). */
const MTU = 1500;
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * Bridge mode (networking.md §4, §11.3): every container has a namespace of its own with a link to one bridge,
 * and its ports are published on the host.
 *
 *   ports reserved ─► record ─► namespace ─► link (CNI) ─► record with address ─► rules ─► name files
 *
 * and back in the opposite order. The record is written first and removed last, so that whatever a killed agent
 * left is found and either completed or taken down.
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
  /** Containers that have something here. */
  readonly #known = new Map<ContainerId, NetworkRecord>();
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

  async ensureContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    { id, links = [], signal }: { id: ContainerId; links?: readonly LinkedContainer[]; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    return await this.#lock.run(id, async () => {
      const reserved = this.#known.get(id) ?? (await this.#reserve(task, container, id, signal));
      const subnets = await this.#link.ensure({ signal });
      this.#subnets = subnets;
      const path = this.#netnsOf(id);
      ensureNetworkNamespace(path, { ipv6: subnets.subnet6 !== undefined });
      const opened = this.#endpoints.open(path, reserved.task, { signal });
      // Looked at below, or of no interest any more.
      opened.catch(() => undefined);
      const result = await this.#cni.ensureAttached(
        this.#config(subnets),
        { containerId: id, netns: path, ifName: LINK, args: [['IgnoreUnknown', '1']] },
        { signal },
      );
      await opened;
      const attached = { ...reserved, ...addressesOf(result) };
      await this.#remember(attached);
      await this.#firewall.refresh();
      await this.#redirectFlows(attached);
      const hostname = container.options.hostname ?? id.slice(0, DEFAULT_NAME_LENGTH);
      return {
        namespace: { kind: 'path', path },
        hostname,
        mounts: await this.#writeFiles(task, container, { id, hostname, links }, attached),
        bindings: reportedBindings(attached, this.#options.reportedFamilies),
        addresses: shownAddresses(attached),
      };
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

  /** Address and rule are there as long as the namespace; what had not got that far is opened with the rest. */
  #reopenEndpoint({ id, task, address4 }: NetworkRecord): void {
    const path = this.#netnsOf(id);
    if (address4 === undefined || !isNetworkNamespace(path)) return;
    try {
      this.#endpoints.listen(path, task);
    } catch (error) {
      this.#options.log.warn({ err: error, containerId: id }, 'the container cannot ask 169.254.170.2');
    }
  }

  /** Ports are chosen once for a container and written down before anybody can use them. */
  async #reserve(
    task: TaskSpec,
    container: ContainerSpec,
    id: ContainerId,
    signal: AbortSignal,
  ): Promise<NetworkRecord> {
    const owner = `container "${container.name}" (${id.slice(0, DEFAULT_NAME_LENGTH)}) of task ${task.arn}`;
    const bindings = await this.#ports.reserve(owner, container.portMappings ?? [], { signal });
    const record: NetworkRecord = {
      version: 1,
      id,
      task: taskIdOf(task.arn),
      owner,
      bindings: [...bindings],
    };
    try {
      await this.#remember(record);
    } catch (error) {
      this.#ports.release(owner);
      throw error;
    }
    return record;
  }

  async #remember(record: NetworkRecord): Promise<void> {
    await this.#records.write(record.id, record);
    this.#known.set(record.id, record);
  }

  /**
   * First nobody is led to the container any more, then its link goes, then its ports are free. A plugin that
   * fails holds up neither namespace nor ports; what it left is tried again.
   */
  async #release(id: ContainerId): Promise<void> {
    await this.#lock.run(id, async () => {
      const record = this.#known.get(id);
      if (record?.address4 !== undefined) {
        const { address4: _4, address6: _6, ...detached } = record;
        this.#known.set(id, detached);
        if (record.bindings.length > 0) await this.#firewall.refresh();
        await this.#redirectFlows(record);
      }
      // Whoever still holds a connection would keep link and namespace.
      this.#endpoints.close(this.#netnsOf(id));
      try {
        await this.#cni.detach({ network: this.#names.network, containerId: id, ifName: LINK });
      } finally {
        removeNetworkNamespace(this.#netnsOf(id));
        if (record !== undefined) {
          this.#ports.release(record.owner);
          await this.#remember({ version: 1, id, task: record.task, owner: record.owner, bindings: [] });
        }
      }
      await this.#records.remove(id);
      this.#known.delete(id);
    });
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

  #config({ subnet4, subnet6 }: BridgeSubnets): CniConfig {
    const ranges = [[{ subnet: subnet4 }], ...(subnet6 === undefined ? [] : [[{ subnet: subnet6 }]])];
    const routes = [{ dst: '0.0.0.0/0' }, ...(subnet6 === undefined ? [] : [{ dst: '::/0' }])];
    const dataDir = join(networkStateDirectory(this.#options.runDir), 'ipam');
    return {
      cniVersion: '1.1.0',
      name: this.#names.network,
      plugins: [
        {
          type: 'bridge',
          bridge: this.#names.bridge,
          isGateway: true,
          ipMasq: false,
          // Where bridged packets pass the packet filter, one to a container's own published port goes back out
          // of the link that it came by.
          hairpinMode: true,
          mtu: MTU,
          ipam: { type: 'host-local', dataDir, ranges, routes },
        },
      ],
    };
  }

  #plan(): FirewallPlan | undefined {
    if (this.#subnets === undefined) return undefined;
    const published = [...this.#known.values()]
      .flatMap(publishedPorts)
      .toSorted((a, b) => a.hostPort - b.hostPort || a.protocol.localeCompare(b.protocol));
    return { bridge: this.#names.bridge, ...this.#subnets, published };
  }

  async #writeFiles(
    task: TaskSpec,
    { options }: ContainerSpec,
    { id, hostname, links }: { id: ContainerId; hostname: string; links: readonly LinkedContainer[] },
    { address4, address6 }: NetworkRecord,
  ) {
    const ipv6 = address6 !== undefined;
    const extraHosts = options.extraHosts.map(parseExtraHost);
    const contents = {
      hosts: hostsFile({
        ipv6,
        extraHosts,
        links: links.map((link) => ({
          address: link.ipv4,
          names: [link.alias, link.hostname, link.name],
        })),
        ...(address4 !== undefined && { self: { address: address4, hostname } }),
      }),
      hostname: `${hostname}\n`,
      resolvConf: await resolvConfFor(this.#hostRoot, options, ipv6),
    };
    return await this.#files.ensure(taskIdOf(task.arn), id, contents, options.readonlyRootfs);
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch(() => []);
}
