import type { PortBinding } from './port-mapping.ts';

/** How a process tree ended. */
export interface ContainerExit {
  /** 128+n when ended by signal n; absent when nobody can know it any more, never a guess (CTD-81). */
  readonly exitCode?: number;
  /** Epoch ms. */
  readonly exitedAt: number;
  /** Killed because of its own or its task's memory limit. */
  readonly oomKilled: boolean;
  /** Which run of the container ended: each start of it gives a larger number. Absent: its first. */
  readonly run?: number;
  /** Why the exit code is unknown or forced, e.g. the shim died. */
  readonly detail?: string;
}

/** Where a container is in its network; absent what it has not. */
export interface ContainerAddresses {
  readonly ipv4?: string;
  readonly ipv6?: string;
}

/** What a runtime whose network is its own has chosen for a container. */
export interface ChosenNetwork {
  readonly bindings: readonly PortBinding[];
  readonly addresses: ContainerAddresses;
}

/** What a runtime says of a container at one moment. */
export type ContainerObservation =
  | { readonly state: 'absent' }
  | { readonly state: 'created' }
  | { readonly state: 'running'; readonly pid: number; readonly network?: ChosenNetwork }
  | { readonly state: 'exited'; readonly exit: ContainerExit }
  /** The record is there and was started once, but no process and no exit is known any more. */
  | { readonly state: 'released' };
