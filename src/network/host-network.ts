import { readFile } from 'node:fs/promises';
import { hostname as machineName } from 'node:os';
import { join } from 'node:path';
import { type ContainerId, taskIdOf } from '../task/ids.ts';
import type { ContainerSpec, NetworkMode, TaskSpec } from '../task/task-spec.ts';
import {
  containerResolvConf,
  hostResolvConf,
  hostsFile,
  isOnlyResolvedStub,
  parseExtraHost,
} from './name-files.ts';
import type { ContainerNetwork, Network } from './network.ts';
import { type NameFiles, TaskFiles } from './task-files.ts';

/** Hex digits of the container id that make its default name (NET-21). */
const DEFAULT_NAME_LENGTH = 12;
const LOOPBACK = '127.0.0.1';

export interface HostNetworkOptions {
  /** The agent's run directory; name files go below it and must outlive the agent, not the boot. */
  readonly runDir: string;
  /** Where the host's files are seen; default `/`. */
  readonly hostRoot?: string;
  /** The host's name; default what the kernel says. */
  readonly hostname?: () => string;
}

/** The modes that need no network of their own: `host` and `none` (networking.md §1, §5). */
export class HostNetwork implements Network {
  readonly #files: TaskFiles;
  readonly #hostRoot: string;
  readonly #machineName: () => string;

  constructor({ runDir, hostRoot = '/', hostname = machineName }: HostNetworkOptions) {
    this.#files = new TaskFiles(runDir);
    this.#hostRoot = hostRoot;
    this.#machineName = hostname;
  }

  refusal({ networkMode }: TaskSpec): string | undefined {
    return modeOf(networkMode) === undefined
      ? `network mode "${networkMode}" is not supported by this agent yet; it runs tasks of the modes host and none`
      : undefined;
  }

  async ensureContainerNetwork(
    task: TaskSpec,
    container: ContainerSpec,
    { id, signal }: { id: ContainerId; signal: AbortSignal },
  ): Promise<ContainerNetwork> {
    signal.throwIfAborted();
    const mode = modeOf(task.networkMode);
    if (mode === undefined) throw new Error(this.refusal(task));
    const { options } = container;
    const hostname = options.hostname ?? this.#defaultName(mode, id);
    const contents = await this.#contents(mode, container, hostname);
    const mounts = await this.#files.ensure(taskIdOf(task.arn), id, contents, options.readonlyRootfs);
    return { namespace: { kind: mode === 'host' ? 'host' : 'isolated' }, hostname, mounts };
  }

  async removeTaskNetwork(task: TaskSpec): Promise<void> {
    await this.#files.remove(taskIdOf(task.arn));
  }

  #defaultName(mode: Mode, id: ContainerId): string {
    return mode === 'host' ? this.#machineName() : id.slice(0, DEFAULT_NAME_LENGTH);
  }

  async #contents(mode: Mode, { options }: ContainerSpec, hostname: string): Promise<NameFiles> {
    const ipv6 = (await this.#readHost('proc/sys/net/ipv6/conf/all/disable_ipv6')).trim() === '0';
    const extraHosts = options.extraHosts.map(parseExtraHost);
    const resolvConf = await this.#readHost('etc/resolv.conf');
    if (mode === 'host')
      return {
        hosts: extraHosts.length === 0 ? await this.#readHost('etc/hosts') : hostsFile({ ipv6, extraHosts }),
        hostname: `${hostname}\n`,
        resolvConf: hostResolvConf(resolvConf, options),
      };
    const servers = isOnlyResolvedStub(resolvConf)
      ? await this.#readHost('run/systemd/resolve/resolv.conf')
      : resolvConf;
    return {
      hosts: hostsFile({ ipv6, extraHosts, self: { address: LOOPBACK, hostname } }),
      hostname: `${hostname}\n`,
      resolvConf: containerResolvConf(servers, options, ipv6),
    };
  }

  /** A file that the host does not have counts as an empty one. */
  async #readHost(path: string): Promise<string> {
    try {
      return await readFile(join(this.#hostRoot, path), 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
      throw error;
    }
  }
}

type Mode = 'host' | 'none';

function modeOf(networkMode: NetworkMode): Mode | undefined {
  return networkMode === 'host' || networkMode === 'none' ? networkMode : undefined;
}
