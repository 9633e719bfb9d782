import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { MetadataFiles, MetadataFileView, StartedNetwork } from '../../engine/metadata-files.ts';
import type { KnownOwners } from '../../network/network.ts';
import { type TaskArn, taskArn, taskIdOf } from '../../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../../task/task-spec.ts';
import type { TaskState } from '../../task/task-state.ts';
import type { EndpointIds } from '../endpoint-ids.ts';
import { type FileInstance, fileDocument } from './file-document.ts';

export interface ContainerFilesOptions {
  /** Directory of all files; `<what follows the first slash of the task's resource>/<container>/` is below it. */
  readonly directory: string;
  readonly ids: EndpointIds;
  instance(): Promise<FileInstance>;
  /** A file could not be written or removed. */
  onTrouble(error: unknown): void;
}

const FILE = 'ecs-container-metadata.json';
/** Where a container sees its directory, below a name of its own. */
const MOUNT_POINT = '/opt/ecs/metadata';

/** Files on the host's disk, one directory a container, which is mounted into it. */
export class ContainerFiles implements MetadataFiles {
  readonly #options: ContainerFilesOptions;

  constructor(options: ContainerFilesOptions) {
    this.#options = options;
  }

  async prepare(task: TaskSpec, container: ContainerSpec): Promise<MetadataFileView | undefined> {
    const source = this.#directoryOf(task.arn, container.name);
    const destination = `${MOUNT_POINT}/${this.#options.ids.idOf(task, container.name)}`;
    try {
      await mkdir(source, { recursive: true, mode: 0o755 });
      await replace(join(source, FILE), fileDocument(task, container, await this.#options.instance()));
    } catch (error) {
      this.#options.onTrouble(error);
      return undefined;
    }
    return {
      mount: { source, destination, readonly: true },
      environment: { ECS_CONTAINER_METADATA_FILE: `${destination}/${FILE}` },
    };
  }

  async complete(task: TaskState, name: string, network?: StartedNetwork): Promise<void> {
    const container = task.spec.containers.find((one) => one.name === name);
    const state = task.containers.find((one) => one.name === name);
    if (container === undefined || state === undefined) return;
    const { bindings = state.portBindings ?? [], addresses = state.addresses } = network ?? {};
    const facts = { state, bindings, ...(addresses !== undefined && { addresses }) };
    try {
      const text = fileDocument(task.spec, container, await this.#options.instance(), facts);
      await replace(join(this.#directoryOf(task.spec.arn, name), FILE), text);
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }

  async removeTask(task: TaskArn): Promise<void> {
    await this.#remove(this.#directoryOf(task));
  }

  async removeLeftovers(known: KnownOwners): Promise<void> {
    for (const path of await this.#taskDirectories())
      if (!known.knowsTask(taskIdOf(taskArn(path)))) await this.#remove(path);
  }

  /** Of the task, or of one of its containers. */
  #directoryOf(task: TaskArn, ...container: readonly string[]): string {
    const resource = task.slice(task.lastIndexOf(':') + 1);
    const parts = [...resource.split('/').slice(1), ...container];
    return join(this.#options.directory, ...parts.map((part) => part.replace(/[^\w.-]|^\.+$/g, '_')));
  }

  /** Tasks of clusters lie one level deeper than those with ARNs of the older form. */
  async #taskDirectories(): Promise<readonly string[]> {
    const { directory } = this.#options;
    const clusters = await readdir(directory).catch(() => []);
    const found = await Promise.all(
      clusters.map(async (cluster) => {
        const tasks = await readdir(join(directory, cluster)).catch(() => []);
        return tasks.map((task) => join(directory, cluster, task));
      }),
    );
    return found.flat();
  }

  async #remove(path: string): Promise<void> {
    try {
      await rm(path, { recursive: true, force: true });
      // The cluster's directory goes with its last task.
      if (dirname(path) !== this.#options.directory) await rmdir(dirname(path)).catch(() => {});
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }
}

/** A reader sees the file before or after, never in between (TMDS-79). */
async function replace(path: string, text: string): Promise<void> {
  const temporary = join(dirname(path), `temp_metadata_file${process.hrtime.bigint()}`);
  try {
    await writeFile(temporary, text, { mode: 0o644 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
