import type { PayloadVolume } from '../wire/acs-payload.ts';
import { nonEmpty } from './absent.ts';
import { InvalidTaskError } from './invalid-task.ts';

/** A volume of a payload task, told apart by where its data is (acs.md §10.5). */
export type VolumeSpec =
  | { readonly kind: 'hostPath'; readonly name: string; readonly path: string }
  /** Private to the task (ACS-90). */
  | { readonly kind: 'private'; readonly name: string }
  | { readonly kind: 'docker' | 'efs' | 'fsxWindowsFileServer'; readonly name: string }
  /** Comes with the attachment of the same name (ACS-58). */
  | { readonly kind: 'attached'; readonly name: string };

/**
 * Reads the volumes of a task. `attachedNames`: volumes that an `amazonebs` or `s3files` attachment brings.
 * Throws `InvalidTaskError` by the rules of acs.md §11.
 */
export function parseVolumes(
  volumes: readonly PayloadVolume[],
  attachedNames: ReadonlySet<string>,
): readonly VolumeSpec[] {
  return volumes.map((volume) => parseVolume(volume, attachedNames));
}

function parseVolume(volume: PayloadVolume, attachedNames: ReadonlySet<string>): VolumeSpec {
  const name = nonEmpty(volume.name);
  if (name === undefined) throw new InvalidTaskError('a volume has no name');
  if (attachedNames.has(name)) return { kind: 'attached', name };
  const type = nonEmpty(volume.type) ?? 'host';
  switch (type) {
    case 'host': {
      if (volume.host == null) throw new InvalidTaskError(`volume ${name} of type host has no host object`);
      const path = nonEmpty(volume.host.sourcePath);
      return path === undefined ? { kind: 'private', name } : { kind: 'hostPath', name, path };
    }
    case 'docker':
      return configured(type, name, volume.dockerVolumeConfiguration);
    case 'efs':
      return configured(type, name, volume.efsVolumeConfiguration);
    case 'fsxWindowsFileServer':
      return configured(type, name, volume.fsxWindowsFileServerVolumeConfiguration);
    default:
      throw new InvalidTaskError(`volume ${name} has the unknown type ${type}`);
  }
}

function configured(
  kind: 'docker' | 'efs' | 'fsxWindowsFileServer',
  name: string,
  configuration: object | null | undefined,
): VolumeSpec {
  if (configuration == null)
    throw new InvalidTaskError(`volume ${name} of type ${kind} has no configuration object`);
  return { kind, name };
}
