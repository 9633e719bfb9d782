import { mkdir, readdir, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedLock } from '../../async/keyed-lock.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import type { KnownOwners } from '../../network/network.ts';
import type { BindMount } from '../../runtime/runtime.ts';
import { TaskError } from '../../task/errors.ts';
import { type ContainerId, type TaskId, taskIdOf } from '../../task/ids.ts';
import type { TaskSpec } from '../../task/task-spec.ts';
import {
  hostVolumeName,
  type LocalVolume,
  neededVolumes,
  type PlannedMount,
  planMounts,
} from '../../task/volumes.ts';
import type { ContainerMounts, TaskVolumes } from '../task-volumes.ts';
import { checkDriverOptions, mountVolume, unmountAll } from './driver-mount.ts';
import { ensureHostPath } from './host-path.ts';
import { type ContainerUses, type VolumeRecord, VolumeRecords } from './records.ts';

export interface LocalVolumesOptions {
  /** Directory of all volumes and their records. */
  readonly directory: string;
  /** A shared volume that is there must have the labels and options that a task gives it (RES-39). */
  readonly matchFullConfiguration: boolean;
  /** Default: programs of the host. */
  readonly run?: RunCommand;
}

interface Call {
  readonly signal: AbortSignal;
}

/** Beside `_data` while it is being filled: it is filled anew after a crash. */
const FILLING = 'filling';

/** Volumes as Docker's driver `local` has them: `<directory>/<name>/_data`. */
export class LocalVolumes implements TaskVolumes {
  readonly #options: LocalVolumesOptions;
  readonly #records: VolumeRecords;
  readonly #run: RunCommand;
  /** By name of the volume. */
  readonly #locks = new KeyedLock();

  constructor(options: LocalVolumesOptions) {
    this.#options = options;
    this.#records = new VolumeRecords(options.directory);
    this.#run = options.run ?? runCommand;
  }

  refusal(task: TaskSpec): string | undefined {
    for (const volume of neededVolumes(task)) {
      if (volume.scope !== 'shared') continue;
      const known = this.#records.peekVolume(volume.name);
      if (known === undefined && !volume.autoprovision) return absence(volume);
      const difference = known && this.#differenceOf(known, volume);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }

  async ensureTaskVolumes(task: TaskSpec): Promise<void> {
    for (const volume of neededVolumes(task)) {
      const name = hostVolumeName(task, volume);
      await this.#locks.run(name, () => this.#ensureVolume(task, volume, name));
    }
  }

  async ensureContainerMounts(request: ContainerMounts, call: Call): Promise<readonly BindMount[]> {
    const { task, container, id, imageVolumes } = request;
    const sources = new Map<string, readonly PlannedMount[]>();
    for (const { sourceContainer } of container.volumesFrom ?? []) {
      const uses = await this.#records.readUses(request.idOf(sourceContainer));
      sources.set(sourceContainer, uses?.mounts ?? []);
    }
    const mounts = planMounts(task, container, {
      id,
      imageVolumes,
      mountsOf: (name) => sources.get(name) ?? [],
    });
    if (mounts.length === 0) return [];
    await this.#records.writeUses({ id, task: taskIdOf(task.arn), live: true, mounts });
    const binds: BindMount[] = [];
    for (const mount of mounts) {
      const source = await this.#ensureSource(request, mount, call);
      binds.push({ source, destination: mount.destination, readonly: mount.readonly });
    }
    return binds;
  }

  async ensureMounted(id: ContainerId, call: Call): Promise<void> {
    const uses = await this.#records.readUses(id);
    if (uses === undefined) return;
    if (!uses.live) await this.#records.writeUses({ ...uses, live: true });
    for (const { source } of uses.mounts)
      if (source.kind === 'volume') await this.#locks.run(source.name, () => this.#mount(source.name, call));
  }

  async releaseContainer(id: ContainerId, call: Call): Promise<void> {
    const uses = await this.#records.readUses(id);
    if (uses === undefined) return;
    if (uses.live) await this.#records.writeUses({ ...uses, live: false });
    for (const name of volumesOf(uses)) await this.#locks.run(name, () => this.#unmountUnused(name, call));
  }

  async removeContainer(id: ContainerId, call: Call): Promise<void> {
    await this.releaseContainer(id, call);
    const uses = await this.#records.readUses(id);
    if (uses === undefined) return;
    for (const name of volumesOf(uses)) {
      await this.#locks.run(name, async () => {
        if ((await this.#records.readVolume(name))?.owner.kind !== 'container') return;
        if (!(await this.#isUsedByOther(name, id))) await this.#remove(name, call);
      });
    }
    await this.#records.removeUses(id);
  }

  async removeTask(id: TaskId, call: Call): Promise<void> {
    for (const { name, owner } of await this.#records.listVolumes())
      if (owner.kind !== 'nobody' && owner.task === id)
        await this.#locks.run(name, () => this.#remove(name, call));
  }

  async removeLeftovers(known: KnownOwners, call: Call): Promise<void> {
    for (const { id } of await this.#records.listUses())
      if (!known.knowsContainer(id)) await this.removeContainer(id, call);
    for (const { name, owner } of await this.#records.listVolumes())
      if (owner.kind !== 'nobody' && !known.knowsTask(owner.task))
        await this.#locks.run(name, () => this.#remove(name, call));
    for (const name of await this.#records.listUnrecorded())
      await this.#locks.run(name, () => this.#removeUnrecorded(name));
  }

  /** A shared volume is only found, unless it is to be made when it is not there (RES-38). */
  async #ensureVolume(task: TaskSpec, volume: LocalVolume, name: string): Promise<void> {
    const { options, labels, scope } = volume;
    const known = await this.#records.readVolume(name);
    if (known !== undefined) {
      const difference = this.#differenceOf(known, volume);
      if (difference !== undefined) throw new TaskError('VolumeError', difference);
      await this.#ensureDirectory(name);
      return;
    }
    if (scope === 'shared' && !volume.autoprovision) throw new TaskError('VolumeError', absence(volume));
    checkDriverOptions(name, options);
    const owner =
      scope === 'shared'
        ? ({ kind: 'nobody' } as const)
        : ({ kind: 'task', task: taskIdOf(task.arn) } as const);
    await this.#make({ version: 1, name, owner, options, labels });
  }

  #differenceOf(known: VolumeRecord, wanted: LocalVolume): string | undefined {
    if (wanted.scope !== 'shared' || !this.#options.matchFullConfiguration) return undefined;
    const differs = (['labels', 'options'] as const).find(
      (field) => sorted(known[field]) !== sorted(wanted[field]),
    );
    if (differs === undefined) return undefined;
    const [there, expected] = [sorted(known[differs]), sorted(wanted[differs])];
    const what = differs === 'options' ? 'driver options' : differs;
    return `initialize volume: volume '${wanted.name}' has the ${what} ${there}, not ${expected}`;
  }

  async #make(record: VolumeRecord): Promise<void> {
    try {
      await this.#records.writeVolume(record);
      await this.#ensureDirectory(record.name);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new TaskError('CannotCreateVolumeError', `volume ${record.name}: ${text}`, { cause: error });
    }
  }

  async #ensureDirectory(name: string): Promise<void> {
    await mkdir(this.#records.dataOf(name), { recursive: true, mode: 0o755 });
  }

  /** Gives the directory of the host that a mount shows, made, mounted and filled. */
  async #ensureSource(request: ContainerMounts, mount: PlannedMount, call: Call): Promise<string> {
    const { source } = mount;
    if (source.kind === 'host') {
      await ensureHostPath(source.path);
      return source.path;
    }
    const { name } = source;
    return await this.#locks.run(name, async () => {
      if (source.anonymous && (await this.#records.readVolume(name)) === undefined) {
        const owner = { kind: 'container', task: taskIdOf(request.task.arn), container: request.id } as const;
        await this.#make({ version: 1, name, owner, options: {}, labels: {} });
      }
      await this.#mount(name, call);
      if (mount.fill) await this.#fill(request, name, mount.destination, call);
      return this.#records.dataOf(name);
    });
  }

  /** What the image has at the mount point, into a volume that has nothing yet (RES-40). */
  async #fill(request: ContainerMounts, name: string, path: string, call: Call): Promise<void> {
    const directory = this.#records.dataOf(name);
    const mark = join(this.#records.directoryOf(name), FILLING);
    const interrupted = (await readdir(this.#records.directoryOf(name))).includes(FILLING);
    if (!interrupted && (await readdir(directory)).length > 0) return;
    await writeFile(mark, '');
    const filled = await request.fill(path, directory, call);
    await rm(mark);
    if (filled === 'notADirectory')
      throw new TaskError(
        'CannotCreateContainerError',
        `cannot mount volume over existing file, file exists ${path}`,
      );
  }

  async #mount(name: string, { signal }: Call): Promise<void> {
    const record = await this.#records.readVolume(name);
    if (record === undefined)
      throw new TaskError(
        'VolumeError',
        `volume ${name} is gone; somebody removed ${this.#records.directoryOf(name)}`,
      );
    await this.#ensureDirectory(name);
    await mountVolume(this.#run, name, record.options, this.#records.dataOf(name), signal);
  }

  async #unmountUnused(name: string, { signal }: Call): Promise<void> {
    const record = await this.#records.readVolume(name);
    if (record === undefined || Object.keys(record.options).length === 0) return;
    const users = await this.#records.listUses();
    if (users.some((uses) => uses.live && volumesOf(uses).includes(name))) return;
    await unmountAll(this.#run, this.#records.dataOf(name), signal);
  }

  async #isUsedByOther(name: string, id: ContainerId): Promise<boolean> {
    return (await this.#records.listUses()).some((uses) => uses.id !== id && volumesOf(uses).includes(name));
  }

  /** The data first and the record last, so that a crash between leaves what the next run finds. */
  async #remove(name: string, { signal }: Call): Promise<void> {
    const directory = this.#records.directoryOf(name);
    await unmountAll(this.#run, directory, signal);
    await rm(this.#records.dataOf(name), { recursive: true, force: true });
    await rm(join(directory, FILLING), { force: true });
    await this.#records.removeVolume(name);
    await rmdir(directory);
  }

  async #removeUnrecorded(name: string): Promise<void> {
    if ((await this.#records.readVolume(name)) !== undefined) return;
    await this.#records.removeVolume(name);
    // Whatever else is in it was not put there by the agent.
    await rmdir(this.#records.directoryOf(name)).catch(() => {});
  }
}

function volumesOf(uses: ContainerUses): readonly string[] {
  return uses.mounts.flatMap(({ source }) => (source.kind === 'volume' ? [source.name] : []));
}

function absence({ name }: LocalVolume): string {
  return `initialize volume: volume '${name}' does not exist and autoprovision is false: no such volume`;
}

function sorted(map: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))));
}
