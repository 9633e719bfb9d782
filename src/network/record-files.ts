import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from '../schema.ts';

const PART = '.part';

/**
 * Keeps records as JSON in files of one directory that is the agent's own, so that they outlive it. A record that
 * cannot be read is as good as none: what belongs to it is found by what else it left.
 */
export class RecordFiles<Key, Record> {
  readonly #directory: string;
  readonly #schema: z.ZodMiniType<Record>;
  readonly #nameOf: (key: Key) => string;
  /** Paths that are being written. */
  readonly #unfinished = new Set<string>();

  constructor(directory: string, schema: z.ZodMiniType<Record>, nameOf: (key: Key) => string) {
    this.#directory = directory;
    this.#schema = schema;
    this.#nameOf = nameOf;
  }

  async read(key: Key): Promise<Record | undefined> {
    return await this.#parse(this.#path(key));
  }

  /** Whole or not at all. */
  async write(key: Key, record: Record): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(key);
    const part = path + PART;
    this.#unfinished.add(part);
    try {
      await writeFile(part, JSON.stringify(record), { mode: 0o600 });
      await rename(part, path);
    } finally {
      this.#unfinished.delete(part);
    }
  }

  /** Not there: success. */
  async remove(key: Key): Promise<void> {
    await rm(this.#path(key), { force: true });
    await rm(this.#path(key) + PART, { force: true });
  }

  /** All that can be read. Takes away what an agent that was killed has not written to the end. */
  async list(): Promise<readonly Record[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const paths = names.map((name) => join(this.#directory, name));
    // At once, so that nobody begins to write one in between.
    for (const path of paths)
      if (path.endsWith(PART) && !this.#unfinished.has(path)) rmSync(path, { force: true });
    const whole = paths.filter((path) => !path.endsWith(PART));
    const records = await Promise.all(whole.map((path) => this.#parse(path)));
    return records.filter((record) => record !== undefined);
  }

  async #parse(path: string): Promise<Record | undefined> {
    try {
      return this.#schema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch {
      return undefined;
    }
  }

  #path(key: Key): string {
    return join(this.#directory, this.#nameOf(key));
  }
}
