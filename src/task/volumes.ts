import { createHash } from 'node:crypto';
import { TaskError } from './errors.ts';
import type { ContainerId } from './ids.ts';
import type { ContainerSpec, TaskSpec } from './task-spec.ts';

/** A volume of a task that this agent can give (resources.md §5). */
export type TaskVolume =
  /** A file or directory of the host; made as a directory when nothing is there, never removed. */
  { readonly kind: 'hostPath'; readonly name: string; readonly path: string } | LocalVolume;

/** A directory that the agent keeps, as Docker's driver `local` does. */
export interface LocalVolume {
  readonly kind: 'local';
  readonly name: string;
  /** `task`: made for the task and removed with it. `shared`: found by name, kept for good (RES-104). */
  readonly scope: 'task' | 'shared';
  /** Whether a shared volume that is not there is made. */
  readonly autoprovision: boolean;
  /** Options of the driver, `type`, `device` and `o`; empty: a plain directory. */
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
}

/** Where a container sees a volume of its task. */
export interface MountPoint {
  readonly sourceVolume: string;
  readonly containerPath: string;
  readonly readonly: boolean;
}

/** All mounts of another container of the task. */
export interface VolumesFrom {
  readonly sourceContainer: string;
  readonly readonly: boolean;
}

/** One mount of one container, decided but not made. */
export interface PlannedMount {
  readonly source:
    | { readonly kind: 'host'; readonly path: string }
    /** By the name that the volume has on the host. */
    | { readonly kind: 'volume'; readonly name: string; readonly anonymous: boolean };
  readonly destination: string;
  readonly readonly: boolean;
  /** Whether the volume, while empty, takes over what the image has at the destination. */
  readonly fill: boolean;
}

/** Why no host could give the task its volumes, or undefined. */
export function volumeProblem(spec: TaskSpec): string | undefined {
  for (const volume of spec.volumes ?? []) {
    if (volume.kind !== 'local') continue;
    if (volume.scope === 'task' && volume.autoprovision)
      return `volume ${volume.name} has autoprovision with scope task; only a shared volume can have it`;
    if (volume.scope === 'shared' && !isVolumeName(volume.name))
      return `volume ${volume.name}: a shared volume's name consists of letters, digits, ".", "_" and "-"`;
  }
  return undefined;
}

/** Volumes that have to be there before the task's containers: shared ones, and what some container mounts. */
export function neededVolumes(spec: TaskSpec): readonly LocalVolume[] {
  const mounted = new Set(
    spec.containers.flatMap(({ mountPoints = [] }) => mountPoints.map(({ sourceVolume }) => sourceVolume)),
  );
  return (spec.volumes ?? [])
    .filter((volume) => volume.kind === 'local')
    .filter(({ scope, name }) => scope === 'shared' || mounted.has(name));
}

/** The volume's name on the host: `ecs-<family>-<version>-<name>-<20 hex>` unless it is shared (RES-35, OBS-87). */
export function hostVolumeName(spec: TaskSpec, volume: LocalVolume): string {
  if (volume.scope === 'shared') return volume.name;
  const hex = createHash('sha256').update(`${spec.arn}\n${volume.name}`).digest('hex').slice(0, 20);
  return `ecs-${safe(spec.family)}-${safe(spec.version)}-${safe(volume.name)}-${hex}`;
}

/** What decides a container's mounts beside its definition. */
export interface MountFacts {
  readonly id: ContainerId;
  /** `VOLUME`s of its image. */
  readonly imageVolumes: readonly string[];
  /** The mounts of a container that was created before. */
  mountsOf(container: string): readonly PlannedMount[];
}

/**
 * All mounts of a container: those of the containers it takes them from, its own, which win, and a volume
 * without a name for each `VOLUME` of the image that is still free. Throws a `TaskError` that names the field.
 */
export function planMounts(
  task: TaskSpec,
  container: ContainerSpec,
  facts: MountFacts,
): readonly PlannedMount[] {
  const own = (container.mountPoints ?? []).map((point) => planMountPoint(task, container, point));
  const inherited = (container.volumesFrom ?? []).flatMap((from) => {
    if (!task.containers.some(({ name }) => name === from.sourceContainer))
      throw hostConfigError(
        container,
        `volumesFrom names the container ${from.sourceContainer}, which the task has not`,
      );
    return facts
      .mountsOf(from.sourceContainer)
      .map((mount) => ({ ...mount, readonly: mount.readonly || from.readonly, fill: false }));
  });
  const twice = own.find(({ destination }, index) =>
    own.some((other, i) => i < index && other.destination === destination),
  );
  if (twice !== undefined)
    throw new TaskError('CannotCreateContainerError', `Duplicate mount point: ${twice.destination}`);
  const planned = new Map([...inherited, ...own].map((mount) => [mount.destination, mount]));
  for (const path of facts.imageVolumes.map(cleanPath)) {
    if (path === '/' || planned.has(path)) continue;
    const name = createHash('sha256').update(`${facts.id}\n${path}`).digest('hex');
    const source = { kind: 'volume', name, anonymous: true } as const;
    planned.set(path, { source, destination: path, readonly: false, fill: true });
  }
  return [...planned.values()];
}

function planMountPoint(
  task: TaskSpec,
  container: ContainerSpec,
  { sourceVolume, containerPath, readonly }: MountPoint,
): PlannedMount {
  const volume = task.volumes?.find(({ name }) => name === sourceVolume);
  if (volume === undefined)
    throw hostConfigError(
      container,
      `mount point ${containerPath} names the volume ${sourceVolume}, which the task has not`,
    );
  if (containerPath === '')
    throw hostConfigError(
      container,
      `mount point of volume ${sourceVolume} at "${containerPath}" has no container path`,
    );
  if (!containerPath.startsWith('/'))
    throw new TaskError(
      'CannotCreateContainerError',
      `invalid mount path: '${containerPath}' mount path must be absolute`,
    );
  const destination = cleanPath(containerPath);
  if (destination === '/')
    throw new TaskError(
      'CannotCreateContainerError',
      `invalid mount path: '${containerPath}': destination can't be '/'`,
    );
  if (volume.kind === 'local') {
    const source = { kind: 'volume', name: hostVolumeName(task, volume), anonymous: false } as const;
    return { source, destination, readonly, fill: true };
  }
  if (!volume.path.startsWith('/'))
    throw hostConfigError(container, `volume ${sourceVolume}: host path "${volume.path}" is not absolute`);
  return { source: { kind: 'host', path: volume.path }, destination, readonly, fill: false };
}

/** Whether a text can name a volume, and so a directory: Docker's rule. */
export function isVolumeName(name: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]+$/.test(name) && name.length <= 255;
}

function hostConfigError(container: ContainerSpec, text: string): TaskError {
  return new TaskError('HostConfigError', `container ${container.name}: ${text}`);
}

function safe(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/g, '');
}

/** Without `.`, `..`, doubled and trailing slashes. */
function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') parts.pop();
    else parts.push(part);
  }
  return `/${parts.join('/')}`;
}
