import type { PayloadVolume } from '../../wire/acs-payload.ts';
import type { TaskVolume } from '../../wire/task-definition.ts';

/** A volume of the ACS payload (ecs-api.md §D2.4, acs.md §10.5). */
export function volumePayload(volume: TaskVolume): PayloadVolume {
  const { name } = volume;
  if (volume.configuredAtLaunch === true) return { name };
  if (volume.dockerVolumeConfiguration !== undefined) {
    const docker = volume.dockerVolumeConfiguration;
    return {
      name,
      type: 'docker',
      dockerVolumeConfiguration: {
        ...docker,
        scope: docker.scope ?? 'task',
        driver: docker.driver ?? 'local',
      },
    };
  }
  if (volume.efsVolumeConfiguration !== undefined) {
    const efs = volume.efsVolumeConfiguration;
    return {
      name,
      type: 'efs',
      efsVolumeConfiguration: { ...efs, rootDirectory: efs.rootDirectory ?? '/' },
    };
  }
  if (volume.fsxWindowsFileServerVolumeConfiguration !== undefined) {
    return {
      name,
      type: 'fsxWindowsFileServer',
      fsxWindowsFileServerVolumeConfiguration: volume.fsxWindowsFileServerVolumeConfiguration,
    };
  }
  const sourcePath = volume.host?.sourcePath;
  return { name, type: 'host', host: sourcePath === undefined ? {} : { sourcePath } };
}
