import { hostname as machineName } from 'node:os';
import { TaskError } from '../task/errors.ts';
import { type ContainerId, taskIdOf } from '../task/ids.ts';
import type { ContainerSpec, NetworkMode, TaskSpec } from '../task/task-spec.ts';
import type { HostEndpoint } from './endpoint/host-endpoint.ts';
import { readHostFile, resolvConfFor } from './host-files.ts';
import { hostResolvConf, hostsFile, parseExtraHost } from './name-files.ts';
import type { ContainerNetwork, KnownOwners, Network } from './network.ts';
import { type NameFiles, TaskFiles } from './task-files.ts';

/** Hex digits of the container id that make its default name (NET-21). */
const DEFAULT_NAME_LENGTH = 12;

export interface HostNetworkOptions {
  /** The agent's run directory; name files go below it and must outlive the agent, not the boot. */
  readonly runDir: string;
  /** Where the host's files are seen; default `/`. */
  readonly hostRoot?: string;
  /** How tasks of host mode get at 169.254.170.2; absent: they do not. */
  readonly endpoint?: HostEndpoint;
  /** The host's name; default what the kernel says. */
  readonly hostname?: () => string;
}

/** The modes that need no network of their own: `host` and `none` (networking.md §1, §5). */
export class HostNetwork implements Network {
  readonly #files: TaskFiles;
  readonly #hostRoot: string;
  readonly #machineName: () => string;
  readonly #endpoint: HostEndpoint | undefined;

  constructor({ runDir, hostRoot = '/', hostname = machineName, endpoint }: HostNetworkOptions) {
    this.#files = new TaskFiles(runDir);
    this.#hostRoot = hostRoot;
    this.#machineName = hostname;
    this.#endpoint = endpoint;
    endpoint?.resume();
  }

  refusal({ networkMode }: TaskSpec): string | undefined {
    return modeOf(networkMode) === undefined
      ? `network mode "${networkMode}" needs a network of its own`
      : undefined;
  }

  async prepareContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    { id, signal }: { id: ContainerId; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    signal.throwIfAborted();
    const mode = modeOf(task.networkMode);
    if (mode === undefined) throw new Error(this.refusal(task));
    if (mode === 'host') await this.#openEndpoint(task, signal);
    const { options } = container;
    const hostname = options.hostname ?? this.#defaultName(mode, id);
    const contents = await this.#contents(mode, container, hostname);
    const mounts = await this.#files.ensure(taskIdOf(task.arn), id, contents, options.readonlyRootfs);
    return { namespace: { kind: mode === 'host' ? 'host' : 'isolated' }, hostname, mounts, bindings: [] };
  }

  /** All of it is there before the container is made. */
  async completeContainerNetwork(): Promise<void> {}

  /** The kernel ends the namespace with the last process. */
  async releaseContainerNetwork(): Promise<void> {}

  /** Everything is a container's. */
  async releaseTaskNetwork(): Promise<void> {}

  async removeTaskNetwork(task: TaskSpec): Promise<void> {
    const taskId = taskIdOf(task.arn);
    await this.#files.remove(taskId);
    await this.#endpoint?.release(taskId);
  }

  /** Name files of every mode, and the endpoint. */
  async removeLeftovers({ knowsTask }: KnownOwners): Promise<void> {
    for (const task of await this.#files.list()) if (!knowsTask(task)) await this.#files.remove(task);
    await this.#endpoint?.releaseUnknown(knowsTask);
  }

  async close(): Promise<void> {
    this.#endpoint?.close();
  }

  /** A task with a role cannot do its work without; any other runs on a host without a packet filter too. */
  async #openEndpoint(task: TaskSpec, signal: AbortSignal): Promise<void> {
    try {
      await this.#endpoint?.ensure(taskIdOf(task.arn), { signal });
    } catch (error) {
      signal.throwIfAborted();
      if (task.taskCredentialsId === undefined) {
        this.#endpoint?.trouble(error);
        return;
      }
      const failure = error instanceof Error ? error.message : String(error);
      const message = `169.254.170.2 cannot be made to give the task its role's credentials: ${failure}`;
      throw new TaskError('ContainerNetworkingError', message, { cause: error });
    }
  }

  #defaultName(mode: Mode, id: ContainerId): string {
    return mode === 'host' ? this.#machineName() : id.slice(0, DEFAULT_NAME_LENGTH);
  }

  async #contents(mode: Mode, { options }: ContainerSpec, hostname: string): Promise<NameFiles> {
    const disabled = await readHostFile(this.#hostRoot, 'proc/sys/net/ipv6/conf/all/disable_ipv6');
    const ipv6 = disabled.trim() === '0';
    const extraHosts = options.extraHosts.map(parseExtraHost);
    if (mode === 'host') {
      const hosts =
        extraHosts.length === 0
          ? await readHostFile(this.#hostRoot, 'etc/hosts')
          : hostsFile({ ipv6, extraHosts });
      const resolvConf = hostResolvConf(await readHostFile(this.#hostRoot, 'etc/resolv.conf'), options);
      return { hosts, hostname: `${hostname}\n`, resolvConf };
    }
    return {
      // Without an address of its own it has no line for its name, as under Docker.
      hosts: hostsFile({ ipv6, extraHosts }),
      hostname: `${hostname}\n`,
      resolvConf: await resolvConfFor(this.#hostRoot, options, ipv6),
    };
  }
}

type Mode = 'host' | 'none';

function modeOf(networkMode: NetworkMode): Mode | undefined {
  return networkMode === 'host' || networkMode === 'none' ? networkMode : undefined;
}
