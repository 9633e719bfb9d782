import { createHash } from 'node:crypto';
import type { TaskId } from '../../task/ids.ts';

/** Names of what awsvpc tasks of one agent have on the host; they derive from its containerd namespace. */
export interface AwsvpcNames {
  /** The bridge by which tasks reach the host, where additional local routes are configured. */
  readonly bridge: string;
  /** The CNI network of that bridge. */
  readonly network: string;
  /** File name of a task's network namespace. */
  netns(task: TaskId): string;
  /** The task that a namespace of that file name belongs to; undefined when it is not ours. */
  taskOf(netns: string): TaskId | undefined;
}

const USUAL_NAMESPACE = 'ecs';
const HASH_LENGTH = 8;

/** `ecs` gives the documented names, any other namespace names with a hash of it. */
export function awsvpcNames(namespace: string): AwsvpcNames {
  const usual = namespace === USUAL_NAMESPACE;
  const hash = createHash('sha256').update(namespace).digest('hex').slice(0, HASH_LENGTH);
  // Containers of bridge mode have names of twice that length.
  const netns = new RegExp(`^${namespace.replaceAll('.', '\\.')}-([0-9a-f]{32})$`);
  return {
    bridge: usual ? 'ecs-bridge' : `ecsb-${hash}`,
    network: usual ? 'ecs-local' : `ecs-local-${hash}`,
    netns: (task) => `${namespace}-${task}`,
    taskOf: (name) => {
      const id = netns.exec(name)?.[1];
      return id === undefined ? undefined : (id as TaskId);
    },
  };
}
