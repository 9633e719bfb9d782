import { join } from 'node:path';
import { containerIdOf } from '../task/ids.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';
import { type PlannedMount, planMounts } from '../task/volumes.ts';

/**
 * Member `Volumes` of a container: its mounts, without those that only its image asks for; absent when there are
 * none (metadata-endpoints.md §4.3). `directory` is where the agent keeps volumes.
 */
export function volumesMember(spec: TaskSpec, container: ContainerSpec, directory: string): object {
  const mounts = mountsOf(spec, container, new Set());
  if (mounts.length === 0) return {};
  return {
    Volumes: mounts.map(({ source, destination }) => ({
      ...(source.kind === 'volume'
        ? { DockerName: source.name, Source: join(directory, source.name, '_data') }
        : { Source: source.path }),
      Destination: destination,
    })),
  };
}

/** What the container was, or will be, made with; a definition that cannot be run has none. */
function mountsOf(spec: TaskSpec, container: ContainerSpec, seen: Set<string>): readonly PlannedMount[] {
  if (seen.has(container.name)) return [];
  seen.add(container.name);
  try {
    return planMounts(spec, container, {
      id: containerIdOf(spec.arn, container.name, 0),
      imageVolumes: [],
      mountsOf: (name) => {
        const other = spec.containers.find((one) => one.name === name);
        return other === undefined ? [] : mountsOf(spec, other, seen);
      },
    });
  } catch {
    return [];
  }
}
