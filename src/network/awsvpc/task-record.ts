import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { TaskId } from '../../task/ids.ts';

const recordSchema = z.object({
  version: z.literal(1),
  task: z.string().transform((value) => value as TaskId),
  /** Whether its namespace was once complete; what was not is taken down after a failure. */
  isComplete: z.boolean(),
});

/** What a task has of the network; written before anything is made for it, removed after everything is gone. */
export type TaskNetworkRecord = z.output<typeof recordSchema>;

const PART = '.part';

/** Keeps the records in `<directory>/<task id>.json`. */
export class TaskNetworkRecords {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Whole or not at all. */
  async write(record: TaskNetworkRecord): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const path = this.#path(record.task);
    await writeFile(path + PART, JSON.stringify(record), { mode: 0o600 });
    await rename(path + PART, path);
  }

  async remove(task: TaskId): Promise<void> {
    await rm(this.#path(task), { force: true });
    await rm(this.#path(task) + PART, { force: true });
  }

  /** All that can be read; one that cannot is as good as none: its task is swept by the name of its namespace. */
  async list(): Promise<readonly TaskNetworkRecord[]> {
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

  #path(task: TaskId): string {
    return join(this.#directory, `${task}.json`);
  }
}
