import type { PortProtocol } from '../../task/port-mapping.ts';

/** What the host's packet filter does for the containers of our bridge; always told as a whole. */
export interface FirewallPlan {
  /** Name of the bridge link. */
  readonly bridge: string;
  /** `172.17.0.0/16`. */
  readonly subnet4: string;
  /** Absent: the containers have no IPv6. */
  readonly subnet6?: string;
  readonly published: readonly PublishedPort[];
}

/** One port of the host that leads to one of a container. */
export interface PublishedPort {
  readonly protocol: PortProtocol;
  readonly hostPort: number;
  readonly containerPort: number;
  readonly address4: string;
  readonly address6?: string;
}

export interface FirewallCall {
  readonly signal: AbortSignal;
}

/**
 * Rules of our own, under a name that is ours alone:
 *  - traffic from containers to elsewhere is masqueraded;
 *  - published ports lead to their container, from off host, from the host itself by any of its addresses and
 *    127.0.0.1, and from containers, the same one included;
 *  - from off host nothing but published ports and answers gets to a container;
 *  - containers do not get at services that listen on the host's loopback address alone.
 */
export interface Firewall {
  /** Makes the rules exactly these, in one step. */
  apply(plan: FirewallPlan, call: FirewallCall): Promise<void>;
  /**
   * Changes published ports alone, at once, if the rules were applied before and nobody has changed anything in the
   * packet filter since `generation`. Gives the generation afterwards; undefined: nothing is done, and `apply` has to.
   */
  adjust(plan: FirewallPlan, generation: number): number | undefined;
  /** What every change of the packet filter raises by one, whoever makes it; undefined: it has no such number. */
  generation(): number | undefined;
  /** Whether the rules are still as they were applied; cheap. */
  isIntact(call: FirewallCall): Promise<boolean>;
  /** Removes the rules; none there: success. */
  remove(call: FirewallCall): Promise<void>;
}

/** The packet filter could not be told. Worth retrying: others may hold its lock or be replacing its rules. */
export class FirewallError extends Error {
  override readonly name = 'FirewallError';
}
