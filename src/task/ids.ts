import { createHash } from 'node:crypto';

/** A task's ARN, `arn:aws:ecs:<region>:<account>:task/<cluster>/<id>`: the identity of a task everywhere. */
export type TaskArn = string & { readonly __brand: 'TaskArn' };
/** The last segment of a task ARN. Names the task's cgroup, shim group, directories and store row. */
export type TaskId = string & { readonly __brand: 'TaskId' };
/** 64 hex digits naming one container in the runtime; what ECS is told as `runtimeId`. */
export type ContainerId = string & { readonly __brand: 'ContainerId' };

/** Brands a non-empty string as a task ARN. */
export function taskArn(value: string): TaskArn {
  if (value === '') throw new Error('a task ARN must not be empty');
  return value as TaskArn;
}

/** Last segment of the ARN, with everything that is not safe in a path or a cgroup name replaced. */
export function taskIdOf(arn: TaskArn): TaskId {
  const segment = arn.slice(arn.lastIndexOf('/') + 1);
  return segment.replace(/[^A-Za-z0-9]/g, '').slice(0, 64) as TaskId;
}

/** Brands a runtime container id that came back from the runtime or the store. */
export function containerId(value: string): ContainerId {
  if (!/^[A-Za-z0-9]+([._-][A-Za-z0-9]+)*$/.test(value) || value.length > 76)
    throw new Error(`"${value}" is not a valid container id`);
  return value as ContainerId;
}

/**
 * The runtime id of a container: derived, never random, so that a step that runs again after a crash finds
 * what the last run made. A new generation is a new container of the same name.
 */
export function containerIdOf(arn: TaskArn, containerName: string, generation: number): ContainerId {
  return createHash('sha256').update(`${arn}\n${containerName}\n${generation}`).digest('hex') as ContainerId;
}

/** The shown name, `ecs-<family>-<revision>-<container>-<20 hex>` (ENG-40, OBS-82); derived like the id. */
export function containerDisplayName(
  family: string,
  version: string,
  containerName: string,
  id: ContainerId,
): string {
  return `ecs-${family}-${version}-${containerName.replace(/[^A-Za-z0-9-]/g, '')}-${id.slice(0, 20)}`;
}
