import { stat } from 'node:fs/promises';
import { DeadlineExceededError, sleep, withDeadline } from '../../async/deadline.ts';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { isNetworkNamespace } from '../../host/netns.ts';
import type { RunCommand } from '../../host/run-command.ts';
import { type CniCacheFiles, type CniKey, openCniCache } from './cni-cache.ts';
import { type CniCommand, CniError, CniPlugin, TRY_AGAIN_LATER } from './cni-plugin.ts';
import { type CniResult, cniResultSchema } from './cni-result.ts';
import { type CniCache, type CniConfig, type CniPluginConfig, cniConfigSchema } from './cni-schema.ts';

export interface CniRunnerOptions {
  /** Where plugins are looked for, in order. */
  readonly pluginDirectories: readonly string[];
  /** Keeps what is attached; must outlive the agent. */
  readonly cacheDirectory: string;
  readonly run: RunCommand;
  /** For all plugins of an ADD together; default one minute (NET-55). */
  readonly addTimeoutMs?: number;
}

/** One link of one container. */
export interface CniAttachment {
  readonly containerId: string;
  /** Path of the network namespace. */
  readonly netns: string;
  readonly ifName: string;
  /** CNI_ARGS. */
  readonly args?: readonly (readonly [string, string])[];
  /** Given as `runtimeConfig` to the plugins that declare the capability. */
  readonly capabilityArgs?: Readonly<Record<string, unknown>>;
}

const ADD_TIMEOUT_MS = 60_000;
const DEL_TIMEOUT_MS = 30_000;
const CHECK_TIMEOUT_MS = 30_000;
const VERSION_TIMEOUT_MS = 10_000;
const TRY_AGAIN_MS = 1_000;

/** Versions that we speak, newest first. */
const VERSIONS = ['1.1.0', '1.0.0', '0.4.0', '0.3.1'];

/**
 * Runs chains of CNI plugins (networking.md §8). Every call may be repeated, also after a crash at any line:
 * what is to be attached is written down before, with its result after, and an attachment without result is
 * taken down before it is made again. Calls for one container follow one another.
 */
export class CniRunner {
  readonly #options: CniRunnerOptions;
  readonly #cache: CniCacheFiles;
  readonly #lock = new KeyedLock();
  /** Versions of a plugin by its path and the time of its last change. */
  readonly #versions = new Map<string, Promise<readonly string[]>>();

  constructor(options: CniRunnerOptions) {
    this.#options = options;
    this.#cache = openCniCache(options.cacheDirectory);
  }

  /**
   * Attaches, or proves that what is attached with that configuration is whole. Rejects with
   * `ContainerNetworkingError`.
   */
  async ensureAttached(
    config: CniConfig,
    attachment: CniAttachment,
    { signal }: { signal: AbortSignal },
  ): Promise<CniResult> {
    return await this.#lock.run(attachment.containerId, async () => {
      const key = keyOf(config.name, attachment);
      const cached = await this.#cache.read(key);
      if (cached !== undefined) {
        const isSame = cached.config === encoded(config);
        if (isSame && cached.result !== undefined && (await this.#isWhole(cached, signal)))
          return cached.result;
        await this.#delete(key, cached);
      }
      return await this.#add(config, attachment, key, signal);
    });
  }

  /** Takes down what is attached by that configuration's name, with what it was made with. Not there: success. */
  async detach(key: CniKey): Promise<void> {
    await this.#lock.run(key.containerId, async () => {
      const cached = await this.#cache.read(key);
      if (cached !== undefined) await this.#delete(key, cached);
      else await this.#cache.remove(key);
    });
  }

  /** What the plugins said when it was attached; undefined: it was not, or not to the end. */
  async resultOf(key: CniKey): Promise<CniResult | undefined> {
    return (await this.#cache.read(key))?.result;
  }

  /** Everything that is attached or was about to be. */
  async list(): Promise<readonly CniKey[]> {
    const caches = await this.#cache.list();
    return caches.map(({ networkName, containerId, ifName }) => ({
      network: networkName,
      containerId,
      ifName,
    }));
  }

  /** Asks the plugins whether they are ready; those that cannot tell are. Rejects as `ensureAttached` does. */
  async status(config: CniConfig, { signal }: { signal: AbortSignal }): Promise<void> {
    const version = await this.#versionFor(config);
    for (const plugin of config.plugins) {
      const program = await this.#find(plugin.type);
      if (version === '1.1.0') await program.call('STATUS', {}, inputOf(config, plugin, version, {}), signal);
    }
  }

  async #add(
    config: CniConfig,
    attachment: CniAttachment,
    key: CniKey,
    signal: AbortSignal,
  ): Promise<CniResult> {
    const intent: CniCache = {
      kind: 'cniCacheV1',
      containerId: attachment.containerId,
      config: encoded(config),
      ifName: attachment.ifName,
      networkName: config.name,
      netns: attachment.netns,
      cniArgs: (attachment.args ?? []).map(([name, value]): [string, string] => [name, value]),
      capabilityArgs: { ...attachment.capabilityArgs },
    };
    // What cannot begin leaves nothing that would have to be taken down.
    const version = await this.#versionFor(config);
    const giveUpAt = performance.now() + (this.#options.addTimeoutMs ?? ADD_TIMEOUT_MS);
    for (;;) {
      await this.#cache.write(key, intent);
      try {
        const left = giveUpAt - performance.now();
        const result = await this.#within('ADD', config.name, left, signal, (within) =>
          this.#addChain(config, intent, version, within),
        );
        await this.#cache.write(key, { ...intent, result });
        return result;
      } catch (error) {
        await this.#delete(key, intent).catch(() => {
          // The attachment stays written down: it is taken down with the container or by the next sweep.
        });
        const passes = error instanceof CniError && error.cniCode === TRY_AGAIN_LATER;
        if (!passes || performance.now() + TRY_AGAIN_MS > giveUpAt) throw error;
        await sleep(TRY_AGAIN_MS, signal);
      }
    }
  }

  async #addChain(
    config: CniConfig,
    attachment: CniCache,
    version: string,
    signal: AbortSignal,
  ): Promise<CniResult> {
    let result: CniResult | undefined;
    for (const plugin of config.plugins) {
      const program = await this.#find(plugin.type);
      const input = inputOf(config, plugin, version, attachment.capabilityArgs, result);
      const answer = await program.call('ADD', environmentOf(attachment), input, signal);
      const parsed = cniResultSchema.safeParse(answer);
      if (!parsed.success)
        throw new CniError(`CNI plugin ${plugin.type} gave no result that can be read after ADD`, undefined);
      result = parsed.data;
    }
    if (result === undefined) throw new Error(`the CNI configuration ${config.name} has no plugins`);
    return result;
  }

  /** Every plugin is tried, last first; the first failure is told and everything stays written down (NET-101). */
  async #delete(key: CniKey, cached: CniCache): Promise<void> {
    const config = configOf(cached);
    // Clean-up goes on when whoever asked for the attachment has given up.
    await this.#within('DEL', config.name, DEL_TIMEOUT_MS, undefined, async (signal) => {
      const netns = isNetworkNamespace(cached.netns) ? cached.netns : '';
      const version = await this.#versionFor(config, cached.result);
      const failures: unknown[] = [];
      for (const plugin of config.plugins.toReversed()) {
        try {
          const program = await this.#find(plugin.type);
          const previous = version === '0.3.1' ? undefined : cached.result;
          const input = inputOf(config, plugin, version, cached.capabilityArgs, previous);
          await program.call('DEL', environmentOf({ ...cached, netns }), input, signal);
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
      await this.#cache.remove(key);
    });
  }

  /** Versions before 0.4.0 cannot tell; a namespace that is gone took the link along. */
  async #isWhole(cached: CniCache, signal: AbortSignal): Promise<boolean> {
    if (!isNetworkNamespace(cached.netns)) return false;
    const config = configOf(cached);
    try {
      const version = await this.#versionFor(config, cached.result);
      if (version === '0.3.1') return true;
      await this.#within('CHECK', config.name, CHECK_TIMEOUT_MS, signal, async (within) => {
        for (const plugin of config.plugins) {
          const program = await this.#find(plugin.type);
          const input = inputOf(config, plugin, version, cached.capabilityArgs, cached.result);
          await program.call('CHECK', environmentOf(cached), input, within);
        }
      });
      return true;
    } catch {
      signal.throwIfAborted();
      return false;
    }
  }

  async #within<T>(
    command: CniCommand,
    network: string,
    timeoutMs: number,
    parent: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const what = `CNI ${command} of network ${network}`;
    try {
      return await withDeadline(what, timeoutMs, parent, work);
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error;
      throw new CniError(
        `${what} did not finish within ${Math.round(timeoutMs / 1000)} s; its plugins were killed`,
        undefined,
      );
    }
  }

  async #find(type: string): Promise<CniPlugin> {
    return await CniPlugin.find(type, this.#options.pluginDirectories, this.#options.run);
  }

  /** The newest version that we, the configuration and all its plugins speak; that of `result` if it is one. */
  async #versionFor(config: CniConfig, result?: CniResult): Promise<string> {
    const types = config.plugins.flatMap(typesOf);
    const spoken = await Promise.all(types.map((type) => this.#versionsOf(type)));
    const from = VERSIONS.indexOf(result?.cniVersion ?? config.cniVersion);
    const version = VERSIONS.slice(Math.max(from, 0)).find((candidate) =>
      spoken.every((versions) => versions.includes(candidate)),
    );
    if (version !== undefined) return version;
    throw new CniError(
      `CNI plugins ${types.join(', ')} have no version from 0.3.1 to ${config.cniVersion} in common`,
      undefined,
    );
  }

  async #versionsOf(type: string): Promise<readonly string[]> {
    const plugin = await this.#find(type);
    const key = `${plugin.path} ${(await stat(plugin.path)).mtimeMs}`;
    const known = this.#versions.get(key);
    if (known !== undefined) return await known;
    // Others wait for the same answer: it does not end with the one who asked first.
    const asked = plugin.supportedVersions(AbortSignal.timeout(VERSION_TIMEOUT_MS));
    this.#versions.set(key, asked);
    asked.catch(() => this.#versions.delete(key));
    return await asked;
  }
}

/** A plugin and the one that gives it addresses. */
function typesOf({ type, ipam }: CniPluginConfig): readonly string[] {
  return ipam?.type === undefined ? [type] : [type, ipam.type];
}

function keyOf(network: string, { containerId, ifName }: CniAttachment): CniKey {
  return { network, containerId, ifName };
}

function encoded(config: CniConfig): string {
  return Buffer.from(JSON.stringify(config)).toString('base64');
}

function configOf({ config }: CniCache): CniConfig {
  return cniConfigSchema.parse(JSON.parse(Buffer.from(config, 'base64').toString()));
}

function environmentOf({ containerId, netns, ifName, cniArgs }: CniCache): Record<string, string> {
  return {
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifName,
    ...(cniArgs.length > 0 && { CNI_ARGS: cniArgs.map(([name, value]) => `${name}=${value}`).join(';') }),
  };
}

/** What a plugin reads: its own part, the network's name, and what concerns it (NET-56, NET-106 to NET-108). */
function inputOf(
  { name }: CniConfig,
  plugin: CniPluginConfig,
  cniVersion: string,
  capabilityArgs: Readonly<Record<string, unknown>>,
  prevResult?: CniResult,
): object {
  const { capabilities = {}, ...own } = plugin;
  const runtimeConfig = Object.fromEntries(
    Object.entries(capabilityArgs).filter(([capability]) => capabilities[capability] === true),
  );
  return {
    ...own,
    name,
    cniVersion,
    ...(Object.keys(runtimeConfig).length > 0 && { runtimeConfig }),
    ...(prevResult !== undefined && { prevResult }),
  };
}
