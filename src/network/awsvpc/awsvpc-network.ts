import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { ensureNetworkNamespace, isNetworkNamespace, removeNetworkNamespace } from '../../host/netns.ts';
import type { RunCommand } from '../../host/run-command.ts';
import { eniAddresses, eniGateways, isIpv6Only, type TaskEni } from '../../task/eni.ts';
import { RuntimeUnavailableError, TaskError } from '../../task/errors.ts';
import { type ContainerId, containerIdOf, type TaskId, taskIdOf } from '../../task/ids.ts';
import { hostnameOnEni, NETWORK_PAUSE } from '../../task/internal-containers.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import { NamespaceEndpoints, type TakeConnection } from '../endpoint/namespace-endpoints.ts';
import { resolvConfFor } from '../host-files.ts';
import { hostsFile } from '../name-files.ts';
import type { ContainerNetwork, KnownOwners, Network, NetworkLog } from '../network.ts';
import { taskNetworkStateDirectory } from '../network-state.ts';
import { type NameFiles, TaskFiles } from '../task-files.ts';
import { type AwsvpcNames, awsvpcNames } from './awsvpc-names.ts';
import { attachBranchEni, removeBranchEni } from './branch-eni.ts';
import { attachEni, giveBackEnis } from './eni-device.ts';
import type { EniLink } from './eni-link.ts';
import { bindHeldNamespace, type Holders } from './held-namespace.ts';
import type { LocalRoutes } from './local-routes.ts';
import { openTaskNetworkRecords, type TaskNetworkRecord, type TaskNetworkRecords } from './task-record.ts';

export interface AwsvpcNetworkOptions {
  /** The agent's run directory: what is kept there outlives the agent, not the boot. */
  readonly runDir: string;
  /** The agent's containerd namespace; names on the host derive from it. */
  readonly namespace: string;
  /** ECS_AWSVPC_BLOCK_IMDS. */
  readonly blockInstanceMetadata: boolean;
  readonly log: NetworkLog;
  /** Answers what tasks ask 169.254.170.2. */
  readonly takeConnection: TakeConnection;
  /**
   * Where containers join a network by a container that holds it: tells of those. Absent: they join by path, and
   * namespaces are held by their names alone.
   */
  readonly holders?: Holders;
  /** How tasks reach the host; absent: they do not. */
  readonly localRoutes?: LocalRoutes;
  /** Where the host's files are seen; default `/`. */
  readonly hostRoot?: string;
  /** Default /run/netns, where ip-netns(8) looks. */
  readonly netnsDirectory?: string;
  readonly run?: RunCommand;
  /** Told before each change of links, addresses and routes. */
  readonly onChange?: (what: string) => void;
}

const LINK = 'eth0';

/** A task's namespace as it is to be; `pause` is the container that holds it where there is one. */
interface WantedNamespace {
  readonly path: string;
  readonly pause: ContainerId;
  readonly eni: TaskEni;
  readonly signal: AbortSignal;
}

/**
 * awsvpc mode (networking.md §6, §11.4): a namespace for the task, in it the task's ENI, which is taken from the
 * host and given back at the end of the task.
 *
 *   record ─► namespace ─► name files ║ endpoint ─► ENI, or vlan of a branch ENI ─► routes to the host ─► record complete
 *
 * and back in the opposite order. What follows the double bar is made while the runtime makes ready for the first
 * process of the task. The record is written first and removed last, so that whatever a killed agent
 * left is found and either completed or taken down. The ENI needs no plugin: its way into a namespace takes a
 * millisecond here and a process of 60 ms there.
 */
export class AwsvpcNetwork implements Network {
  readonly #options: AwsvpcNetworkOptions;
  readonly #names: AwsvpcNames;
  readonly #netnsDirectory: string;
  readonly #hostRoot: string;
  readonly #records: TaskNetworkRecords;
  readonly #files: TaskFiles;
  readonly #endpoints: NamespaceEndpoints;
  readonly #lock = new KeyedLock();
  /** Tasks that have something here. */
  readonly #known = new Map<TaskId, TaskNetworkRecord>();

  private constructor(options: AwsvpcNetworkOptions) {
    this.#options = options;
    this.#names = awsvpcNames(options.namespace);
    this.#netnsDirectory = options.netnsDirectory ?? '/run/netns';
    this.#hostRoot = options.hostRoot ?? '/';
    this.#records = openTaskNetworkRecords(join(taskNetworkStateDirectory(options.runDir), 'tasks'));
    this.#files = new TaskFiles(options.runDir);
    this.#endpoints = new NamespaceEndpoints(options.takeConnection, options.run);
  }

  /** Takes up what an earlier run of the agent left: running tasks lose nothing but open requests. */
  static async open(options: AwsvpcNetworkOptions): Promise<AwsvpcNetwork> {
    const network = new AwsvpcNetwork(options);
    for (const record of await network.#records.list()) network.#resume(record);
    return network;
  }

  refusal({ networkMode, eni }: TaskSpec): string | undefined {
    if (networkMode !== 'awsvpc') return `network mode "${networkMode}" is not awsvpc`;
    return eni === undefined ? 'the task has network mode awsvpc and came without an ENI' : undefined;
  }

  async prepareContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    { signal }: { id: ContainerId; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    const eni = this.#eniOf(task);
    const taskId = taskIdOf(task.arn);
    return await this.#lock.run(taskId, async () => {
      signal.throwIfAborted();
      const path = this.#netnsOf(taskId);
      const pause = containerIdOf(task.arn, NETWORK_PAUSE, 0);
      await this.#ensureNamespace(taskId, { path, pause, eni, signal });
      const hostname = hostnameOnEni(task);
      const contents = await this.#contents(eni, hostname);
      const [ipv4] = eni.ipv4Addresses;
      const [ipv6] = eni.ipv6Addresses;
      return {
        namespace:
          this.#options.holders === undefined ? { kind: 'path', path } : { kind: 'container', id: pause },
        hostname,
        // One set of files for all containers of the task (NET-41).
        mounts: await this.#files.ensure(taskId, pause, contents, container.options.readonlyRootfs),
        bindings: [],
        addresses: { ...(ipv4 !== undefined && { ipv4 }), ...(ipv6 !== undefined && { ipv6 }) },
      };
    });
  }

  /** For the first container of the task; never makes a namespace, as processes may wait in the one there was. */
  async completeContainerNetwork(
    task: TaskSpec,
    _container: ContainerSpec,
    { signal }: { id: ContainerId; signal: AbortSignal },
  ): Promise<void> {
    const eni = this.#eniOf(task);
    const taskId = taskIdOf(task.arn);
    await this.#lock.run(taskId, async () => {
      const path = this.#netnsOf(taskId);
      const record = this.#known.get(taskId);
      if (record === undefined || !isNetworkNamespace(path))
        throw new TaskError('ContainerNetworkingError', `the network namespace ${path} has been removed`);
      if (!record.isComplete) await this.#complete(record, path, eni, signal);
    });
  }

  /** The namespace is the task's: it goes with the last of its containers. */
  async releaseContainerNetwork(): Promise<void> {}

  async releaseTaskNetwork(task: TaskSpec): Promise<void> {
    await this.#release(taskIdOf(task.arn));
  }

  async removeTaskNetwork(task: TaskSpec): Promise<void> {
    const taskId = taskIdOf(task.arn);
    await this.#release(taskId);
    await this.#files.remove(taskId);
  }

  async removeLeftovers({ knowsTask }: KnownOwners): Promise<void> {
    const names = await readdir(this.#netnsDirectory).catch(() => []);
    const found = names.map((name) => this.#names.taskOf(name)).filter((task) => task !== undefined);
    for (const task of new Set([...this.#known.keys(), ...found]))
      if (!knowsTask(task)) await this.#release(task);
  }

  async close(): Promise<void> {
    this.#endpoints.closeAll();
    if (this.#known.size > 0) return;
    try {
      await this.#options.localRoutes?.remove();
      await rm(taskNetworkStateDirectory(this.#options.runDir), { recursive: true, force: true });
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the bridge to the host was left; the next start has it');
    }
  }

  /** Address and rule of the endpoint are there as long as the namespace. */
  #resume(record: TaskNetworkRecord): void {
    this.#known.set(record.task, record);
    const path = this.#netnsOf(record.task);
    if (!record.isComplete || !isNetworkNamespace(path)) return;
    try {
      this.#endpoints.listen(path, record.task);
    } catch (error) {
      this.#options.log.warn({ err: error, taskId: record.task }, 'the task cannot ask 169.254.170.2');
    }
  }

  #eniOf(task: TaskSpec): TaskEni {
    if (task.eni === undefined) throw new TaskError('ContainerNetworkingError', this.refusal(task) ?? '');
    return task.eni;
  }

  async #ensureNamespace(task: TaskId, { path, pause, eni, signal }: WantedNamespace): Promise<void> {
    const { onChange, holders } = this.#options;
    const isThere = isNetworkNamespace(path);
    const record = this.#known.get(task);
    if (record === undefined || (record.isComplete && !isThere)) await this.#remember(newRecord(task, eni));
    if (isThere) return;
    try {
      onChange?.('make the namespace');
      const ipv6 = eni.ipv6Addresses.length > 0;
      if (holders === undefined) ensureNetworkNamespace(path, { ipv6 });
      else await bindHeldNamespace(path, pause, holders, { ipv6, signal });
    } catch (error) {
      signal.throwIfAborted();
      // Nothing is wrong with the network: the next try goes on with it.
      if (error instanceof RuntimeUnavailableError) throw error;
      throw failureOf(eni, error);
    }
  }

  /** What fails is taken out of the namespace again: the ENI is the host's (NET-47). */
  async #complete(record: TaskNetworkRecord, path: string, eni: TaskEni, signal: AbortSignal): Promise<void> {
    const { localRoutes, log } = this.#options;
    const { task } = record;
    try {
      await this.#endpoints.open(path, task, { signal });
      await this.#attach(path, eni, signal);
      await localRoutes?.ensure(task, path, { signal });
      await this.#remember({ ...record, isComplete: true });
    } catch (error) {
      signal.throwIfAborted();
      await this.#empty(task, path).catch((left: unknown) =>
        log.warn({ err: left, taskId: task }, 'a network that failed could not be taken down yet'),
      );
      throw failureOf(eni, error);
    }
  }

  async #attach(path: string, eni: TaskEni, signal: AbortSignal): Promise<void> {
    const { onChange, blockInstanceMetadata } = this.#options;
    const link: EniLink = {
      macAddress: eni.macAddress,
      ifName: LINK,
      addresses: eniAddresses(eni),
      gateways: eniGateways(eni),
      blockInstanceMetadata,
    };
    if (eni.branch === undefined) await attachEni(path, link, { signal, onChange });
    else await attachBranchEni(path, { ...link, ...eni.branch }, { signal, onChange });
  }

  async #remember(record: TaskNetworkRecord): Promise<TaskNetworkRecord> {
    await this.#records.write(record.task, record);
    this.#known.set(record.task, record);
    return record;
  }

  async #release(task: TaskId): Promise<void> {
    await this.#lock.run(task, () => this.#takeDown(task));
  }

  async #takeDown(task: TaskId): Promise<void> {
    const path = this.#netnsOf(task);
    await this.#empty(task, path);
    this.#options.onChange?.('remove the namespace');
    removeNetworkNamespace(path);
    await this.#records.remove(task);
    this.#known.delete(task);
  }

  /** The ENI goes first: nothing that fails after it keeps it from the host. */
  async #empty(task: TaskId, path: string): Promise<void> {
    const { onChange, localRoutes } = this.#options;
    // Whoever still holds a connection would keep the namespace.
    this.#endpoints.close(path);
    giveBackEnis(path, onChange);
    const branchMac = this.#known.get(task)?.branchMac;
    if (branchMac !== undefined) removeBranchEni(path, branchMac, onChange);
    await localRoutes?.release(task);
  }

  #netnsOf(task: TaskId): string {
    return join(this.#netnsDirectory, this.#names.netns(task));
  }

  async #contents(eni: TaskEni, hostname: string): Promise<NameFiles> {
    const ipv6 = eni.ipv6Addresses.length > 0;
    const addresses = isIpv6Only(eni) ? eni.ipv6Addresses : eni.ipv4Addresses;
    const wishes = { dns: eni.dnsServers, dnsSearch: eni.dnsSearch };
    return {
      hosts: hostsFile({ ipv6, extraHosts: addresses.map((address) => ({ host: hostname, address })) }),
      hostname: `${hostname}\n`,
      resolvConf: await resolvConfFor(this.#hostRoot, wishes, ipv6),
    };
  }
}

function newRecord(task: TaskId, { branch, macAddress }: TaskEni): TaskNetworkRecord {
  return { version: 1, task, isComplete: false, ...(branch !== undefined && { branchMac: macAddress }) };
}

function failureOf({ ec2Id }: TaskEni, error: unknown): TaskError {
  if (error instanceof TaskError) return error;
  const detail = error instanceof Error ? error.message : String(error);
  const message = `failed to setup network namespace of the task with ENI ${ec2Id}: ${detail}`;
  return new TaskError('ContainerNetworkingError', message, { cause: error });
}
