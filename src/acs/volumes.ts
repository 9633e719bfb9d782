import type { TaskVolume } from '../task/volumes.ts';
import type { PayloadVolume } from '../wire/acs-payload.ts';
import { nonEmpty } from './absent.ts';
import { InvalidTaskError } from './invalid-task.ts';

/** A volume of a payload task: one that the agent can give, or what it would take (acs.md §10.5). */
export type ReadVolume =
  | { readonly kind: 'volume'; readonly volume: TaskVolume }
  | { readonly kind: 'unsupported'; readonly name: string; readonly what: string }
  /** Comes with the attachment of the same name (ACS-58). */
  | { readonly kind: 'attached'; readonly name: string };

/**
 * Reads the volumes of a task. `attachedNames`: volumes that an `amazonebs` or `s3files` attachment brings.
 * Throws `InvalidTaskError` by the rules of acs.md §11.
 */
export function parseVolumes(
  volumes: readonly PayloadVolume[],
  attachedNames: ReadonlySet<string>,
): readonly ReadVolume[] {
  return volumes.map((volume) => parseVolume(volume, attachedNames));
}

function parseVolume(volume: PayloadVolume, attachedNames: ReadonlySet<string>): ReadVolume {
  const name = nonEmpty(volume.name);
  if (name === undefined) throw new InvalidTaskError('a volume has no name');
  if (attachedNames.has(name)) return { kind: 'attached', name };
  const type = nonEmpty(volume.type) ?? 'host';
  switch (type) {
    case 'host': {
      if (volume.host == null) throw new InvalidTaskError(`volume ${name} of type host has no host object`);
      return { kind: 'volume', volume: hostVolume(name, nonEmpty(volume.host.sourcePath)) };
    }
    case 'docker':
      return dockerVolume(name, configured(type, name, volume.dockerVolumeConfiguration));
    case 'efs':
      configured(type, name, volume.efsVolumeConfiguration);
      return { kind: 'unsupported', name, what: type };
    case 'fsxWindowsFileServer':
      configured(type, name, volume.fsxWindowsFileServerVolumeConfiguration);
      return { kind: 'unsupported', name, what: type };
    default:
      throw new InvalidTaskError(`volume ${name} has the unknown type ${type}`);
  }
}

/** Without a path it is private to the task (ACS-90). */
function hostVolume(name: string, path: string | undefined): TaskVolume {
  return path === undefined ? localVolume(name, { scope: 'task' }) : { kind: 'hostPath', name, path };
}

interface LocalMembers {
  scope?: unknown;
  autoprovision?: unknown;
  driverOpts?: unknown;
  labels?: unknown;
}
type Configuration = NonNullable<PayloadVolume['dockerVolumeConfiguration']>;

function dockerVolume(name: string, configuration: Configuration): ReadVolume {
  const { driver, scope } = configuration;
  if ((nonEmpty(driver) ?? 'local') !== 'local')
    return { kind: 'unsupported', name, what: `docker, driver ${driver}` };
  if (!['task', 'shared'].includes(nonEmpty(scope) ?? 'task'))
    return { kind: 'unsupported', name, what: `docker, scope ${scope}` };
  return { kind: 'volume', volume: localVolume(name, configuration) };
}

function localVolume(
  name: string,
  { scope, autoprovision, driverOpts, labels }: Pick<Configuration, keyof LocalMembers>,
): TaskVolume {
  return {
    kind: 'local',
    name,
    scope: scope === 'shared' ? 'shared' : 'task',
    autoprovision: autoprovision ?? false,
    options: driverOpts ?? {},
    labels: labels ?? {},
  };
}

function configured<T extends object>(type: string, name: string, configuration: T | null | undefined): T {
  if (configuration == null)
    throw new InvalidTaskError(`volume ${name} of type ${type} has no configuration object`);
  return configuration;
}
