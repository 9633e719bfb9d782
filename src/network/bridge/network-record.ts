import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ContainerId, containerId, type TaskId } from '../../task/ids.ts';

const bindingSchema = z.object({
  protocol: z.enum(['tcp', 'udp']),
  containerPort: z.int(),
  hostPort: z.int(),
  rangeLength: z.exactOptional(z.int()),
});

const recordSchema = z.object({
  version: z.literal(1),
  id: z.string().transform(containerId),
  task: z.string().transform((value) => value as TaskId),
  /** Whose it is, for whoever wants the same port. */
  owner: z.string(),
  bindings: z.array(bindingSchema),
  /** Absent until the container has a link. */
  address4: z.exactOptional(z.string()),
  address6: z.exactOptional(z.string()),
});

/** What one container has of the network; written before it is used. */
export type NetworkRecord = z.output<typeof recordSchema>;

const PART = '.part';

/** Keeps the records of containers in `<directory>/<container id>.json`, until a container has let go of everything. */
export class NetworkRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Whole or not at all. */
  async write(record: NetworkRecord): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(record.id);
    await writeFile(path + PART, JSON.stringify(record), { mode: 0o600 });
    await rename(path + PART, path);
  }

  async remove(id: ContainerId): Promise<void> {
    await rm(this.#path(id), { force: true });
    await rm(this.#path(id) + PART, { force: true });
  }

  /** All that can be read; one that cannot is as good as none, and its container is swept by what else it left. */
  async list(): Promise<readonly NetworkRecord[]> {
    const names = await readdir(this.#directory).catch(() => []);
    const records = await Promise.all(
      names
        .filter((name) => !name.endsWith(PART))
        .map(async (name) => {
          try {
            return [recordSchema.parse(JSON.parse(await readFile(join(this.#directory, name), 'utf8')))];
          } catch {
            return [];
          }
        }),
    );
    return records.flat();
  }

  #path(id: ContainerId): string {
    return join(this.#directory, `${id}.json`);
  }
}
