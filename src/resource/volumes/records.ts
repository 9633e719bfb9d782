import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from '../../schema.ts';
import { type ContainerId, containerId, type TaskId } from '../../task/ids.ts';
import type { PlannedMount } from '../../task/volumes.ts';

const texts = z.record(z.string(), z.string());
const taskId = z.pipe(
  z.string(),
  z.transform((value) => value as TaskId),
);

const volumeSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  /** Whose end is the volume's end; nobody's for a shared one. */
  owner: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('task'), task: taskId }),
    z.object({
      kind: z.literal('container'),
      task: taskId,
      container: z.pipe(z.string(), z.transform(containerId)),
    }),
    z.object({ kind: z.literal('nobody') }),
  ]),
  options: texts,
  labels: texts,
});

const usesSchema = z.object({
  version: z.literal(1),
  id: z.pipe(z.string(), z.transform(containerId)),
  task: taskId,
  /** Whether the container may be running: its volumes' file systems have to stay mounted. */
  live: z.boolean(),
  mounts: z.array(
    z.object({
      source: z.discriminatedUnion('kind', [
        z.object({ kind: z.literal('host'), path: z.string() }),
        z.object({ kind: z.literal('volume'), name: z.string(), anonymous: z.boolean() }),
      ]),
      destination: z.string(),
      readonly: z.boolean(),
      fill: z.boolean(),
    }),
  ),
});

/** What is remembered of a volume; written before its directory is made. */
export type VolumeRecord = z.output<typeof volumeSchema>;
/** What one container mounts; written before anything of it is made. */
export interface ContainerUses extends Omit<z.output<typeof usesSchema>, 'mounts'> {
  readonly mounts: readonly PlannedMount[];
}

const VOLUME_FILE = 'volume.json';
/** Never the name of a volume, which begins with a letter or digit. */
const CONTAINERS = '.containers';

/**
 * Records below the volumes' directory: `<volume>/volume.json` beside `<volume>/_data`, and
 * `.containers/<container id>.json`. Each is written whole or not at all.
 */
export class VolumeRecords {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  /** The volume's own directory, with its record, its data and its marks. */
  directoryOf(volume: string): string {
    return join(this.#root, volume);
  }

  /** What containers mount. */
  dataOf(volume: string): string {
    return join(this.#root, volume, '_data');
  }

  async readVolume(name: string): Promise<VolumeRecord | undefined> {
    return await readRecord(join(this.#root, name, VOLUME_FILE), volumeSchema);
  }

  /** As `readVolume`, at once: for what is decided between two events. */
  peekVolume(name: string): VolumeRecord | undefined {
    try {
      return volumeSchema.parse(JSON.parse(readFileSync(join(this.#root, name, VOLUME_FILE), 'utf8')));
    } catch (error) {
      return orElse(undefined)(error);
    }
  }

  async writeVolume(record: VolumeRecord): Promise<void> {
    await writeRecord(join(this.#root, record.name, VOLUME_FILE), record);
  }

  /** The last thing of a volume; with it goes a part of a record that was never finished. */
  async removeVolume(name: string): Promise<void> {
    await rm(partOf(join(this.#root, name, VOLUME_FILE)), { force: true });
    await rm(join(this.#root, name, VOLUME_FILE), { force: true });
  }

  /** Directories that a crash left before their record was written; they hold nothing of a user's. */
  async listUnrecorded(): Promise<readonly string[]> {
    const names = await this.#volumeNames();
    const read = await Promise.all(names.map((name) => this.readVolume(name)));
    return names.filter((_, index) => read[index] === undefined);
  }

  async listVolumes(): Promise<readonly VolumeRecord[]> {
    const names = await this.#volumeNames();
    return (await Promise.all(names.map((name) => this.readVolume(name)))).filter((r) => r !== undefined);
  }

  async readUses(id: ContainerId): Promise<ContainerUses | undefined> {
    return await readRecord(this.#usesPath(id), usesSchema);
  }

  async writeUses(uses: Omit<ContainerUses, 'version'>): Promise<void> {
    await writeRecord(this.#usesPath(uses.id), { version: 1, ...uses });
  }

  async removeUses(id: ContainerId): Promise<void> {
    await rm(this.#usesPath(id), { force: true });
  }

  async listUses(): Promise<readonly ContainerUses[]> {
    const directory = join(this.#root, CONTAINERS);
    const files = (await namesIn(directory)).filter((name) => name.endsWith('.json'));
    const read = await Promise.all(files.map((file) => readRecord(join(directory, file), usesSchema)));
    return read.filter((uses) => uses !== undefined);
  }

  async #volumeNames(): Promise<readonly string[]> {
    return (await namesIn(this.#root)).filter((name) => name !== CONTAINERS);
  }

  #usesPath(id: ContainerId): string {
    return join(this.#root, CONTAINERS, `${id}.json`);
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return await readdir(directory).catch(orElse<readonly string[]>([]));
}

async function writeRecord(path: string, record: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o711 });
  const part = partOf(path);
  await writeFile(part, JSON.stringify(record), { mode: 0o600, flush: true });
  await rename(part, path);
}

function partOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.part`);
}

async function readRecord<T>(path: string, schema: z.ZodMiniType<T>): Promise<T | undefined> {
  const text = await readFile(path, 'utf8').catch(orElse(undefined));
  return text === undefined ? undefined : schema.parse(JSON.parse(text));
}

/** Gives a value in place of what is not there. */
function orElse<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return value;
    throw error;
  };
}
