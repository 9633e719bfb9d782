import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CniCache, cniCacheSchema } from './cni-schema.ts';

/** Which attachment: one network, one container, one link in it. */
export interface CniKey {
  readonly network: string;
  readonly containerId: string;
  readonly ifName: string;
}

const PART = '.part';

/**
 * Remembers in files what was attached, or was about to be, so that it can be taken down with the configuration
 * it was made with (networking.md §8). File names and format are libcni's.
 */
export class CniCacheFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** undefined when there is none, or none that can be read: the plugins then have to do without. */
  async read(key: CniKey): Promise<CniCache | undefined> {
    try {
      return cniCacheSchema.parse(JSON.parse(await readFile(this.#path(key), 'utf8')));
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all. */
  async write(key: CniKey, cache: CniCache): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(key);
    await writeFile(path + PART, JSON.stringify(cache), { mode: 0o600 });
    await rename(path + PART, path);
  }

  async remove(key: CniKey): Promise<void> {
    await rm(this.#path(key), { force: true });
    await rm(this.#path(key) + PART, { force: true });
  }

  /** Everything that can be read. */
  async list(): Promise<readonly CniCache[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const caches = await Promise.all(
      names
        .filter((name) => !name.endsWith(PART))
        .map(async (name) => {
          const text = await readFile(join(this.#directory, name), 'utf8').catch(() => '');
          const parsed = cniCacheSchema.safeParse(jsonOrNothing(text));
          return parsed.success ? [parsed.data] : [];
        }),
    );
    return caches.flat();
  }

  #path({ network, containerId, ifName }: CniKey): string {
    return join(this.#directory, `${network}-${containerId}-${ifName}`);
  }
}

function jsonOrNothing(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
