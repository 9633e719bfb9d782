import { createHash } from 'node:crypto';
import { type ContainerId, containerId } from '../../task/ids.ts';

/** The names under which everything of one agent stands on the host; they derive from its containerd namespace. */
export interface BridgeNames {
  /** The bridge link. */
  readonly bridge: string;
  /** The CNI network. */
  readonly network: string;
  /** The table of the packet filter, and the mark on rules in tables of others. */
  readonly table: string;
  /** The table, or the mark, of the rule for 169.254.170.2. */
  readonly endpointTable: string;
  /** File name of a container's network namespace. */
  netns(id: ContainerId): string;
  /** The container that a namespace of that file name belongs to; undefined when it is not ours. */
  containerOf(netns: string): ContainerId | undefined;
}

const USUAL_NAMESPACE = 'ecs';
/** Names of links have at most 15 characters. */
const HASH_LENGTH = 8;

/** `ecs` gives the documented names, any other namespace names with a hash of it. */
export function bridgeNames(namespace: string): BridgeNames {
  const usual = namespace === USUAL_NAMESPACE;
  const hash = createHash('sha256').update(namespace).digest('hex').slice(0, HASH_LENGTH);
  const netns = new RegExp(`^${namespace.replaceAll('.', '\\.')}-([0-9a-f]{64})$`);
  return {
    bridge: usual ? 'ecs0' : `ecs-${hash}`,
    network: usual ? 'ecs-bridge' : `ecs-bridge-${hash}`,
    table: usual ? 'ecs_bridge' : `ecs_bridge_${hash}`,
    endpointTable: usual ? 'ecs_endpoint' : `ecs_endpoint_${hash}`,
    netns: (id) => `${namespace}-${id}`,
    containerOf: (name) => {
      const id = netns.exec(name)?.[1];
      return id === undefined ? undefined : containerId(id);
    },
  };
}

/** A locally administered address for the bridge that is always the same, whichever links join and leave it. */
export function bridgeMac(namespace: string): string {
  const hash = createHash('sha256').update(`bridge of ${namespace}`).digest();
  return ['02', ...[...hash.subarray(0, 5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
