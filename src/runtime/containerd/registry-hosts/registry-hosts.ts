import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type EndpointSource, type RegistryEndpoint, upstreamOf } from '../../../image/registry/endpoint.ts';
import { RegistryError } from '../../../image/registry/registry-error.ts';

/** A file that has changed counts after that. */
const KEPT_MS = 5_000;

interface Known {
  /** Epoch ms. */
  readonly readAt: number;
  readonly endpoints: Promise<readonly RegistryEndpoint[]>;
}

export interface RegistryHostsOptions {
  /** Directories with one of each registry's name in it, in the order in which they are looked at. */
  readonly directories: () => Promise<readonly string[]>;
  readonly now?: () => number;
}

/**
 * Where the images of a registry come from by containerd's own files: `HOST/hosts.toml`, or certificates alone, else
 * `_default`. A host with a port has it in its directory's name as `HOST_PORT_` or `HOST:PORT`.
 */
export class RegistryHosts implements EndpointSource {
  readonly #options: RegistryHostsOptions;
  readonly #now: () => number;
  readonly #known = new Map<string, Known>();

  constructor(options: RegistryHostsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Rejects with a `RegistryError` when a file cannot be read: nobody knows then whom to ask. */
  async endpointsOf(host: string): Promise<readonly RegistryEndpoint[]> {
    const now = this.#now();
    for (const [key, { readAt }] of this.#known) if (now - readAt >= KEPT_MS) this.#known.delete(key);
    const known = this.#known.get(host) ?? { readAt: now, endpoints: this.#read(host) };
    this.#known.set(host, known);
    return await known.endpoints;
  }

  async #read(host: string): Promise<readonly RegistryEndpoint[]> {
    for (const root of await this.#options.directories()) {
      for (const name of directoryNames(host)) {
        const directory = join(root, name);
        const names = await namesIn(directory);
        if (names === undefined) continue;
        // Loaded by those who have such files.
        const { parseHostsFile, withCertificates } = await import('./hosts-file.ts');
        if (!names.includes('hosts.toml')) return withCertificates(names, directory, host);
        const file = join(directory, 'hosts.toml');
        try {
          return parseHostsFile(await readFile(file, 'utf8'), directory, host);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          const detail = `${file} cannot be read: ${why}`;
          throw new RegistryError({ host, repository: '', code: 'PROTOCOL', detail, cause: error });
        }
      }
    }
    return [upstreamOf(host)];
  }
}

function directoryNames(host: string): readonly string[] {
  const withPort = /^(.+):([^:]*)$/.exec(host);
  return [...(withPort === null ? [] : [`${withPort[1]}_${withPort[2]}_`]), host, '_default'];
}

async function namesIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}
