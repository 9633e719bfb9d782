import type { TaskId } from './ids.ts';

/** Kinds of network trouble that a task may ask for (metadata-endpoints.md §7). */
export const FAULT_KINDS = ['network-blackhole-port', 'network-latency', 'network-packet-loss'] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Packets to one port are dropped. */
export interface BlackholeFault {
  readonly kind: 'network-blackhole-port';
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  readonly trafficType: 'ingress' | 'egress';
  /** Addresses and prefixes that stay reachable. */
  readonly sourcesToFilter: readonly string[];
}

/** Packets to some addresses are held up or lost. */
export interface FlowFault {
  readonly kind: 'network-latency' | 'network-packet-loss';
  /** What is done to them. */
  readonly effect: { readonly delayMs: number; readonly jitterMs: number } | { readonly lossPercent: number };
  readonly sources: readonly string[];
  readonly sourcesToFilter: readonly string[];
  /** Of 100 flows so many are concerned. */
  readonly flowsPercent: number;
}

export type Fault = BlackholeFault | FlowFault;

/** What a stop or a question of the state names: of flow faults the kind alone matters. */
export type FaultName = BlackholeFault | { readonly kind: FlowFault['kind'] };

/** Where faults of a task act. */
export type FaultPlace =
  | { readonly kind: 'host' }
  /** The network namespace of that process, which is the task's. */
  | { readonly kind: 'process'; readonly task: TaskId; readonly pid: number };

/** A flow fault runs already, where there can be one at a time. */
export interface FaultConflict {
  readonly running: FlowFault['kind'];
}

/** Makes network trouble on behalf of a task. Calls reject when the host cannot do it, or with the signal's reason. */
export interface FaultInjector {
  /** Running already: success. */
  start(place: FaultPlace, fault: Fault, signal: AbortSignal): Promise<'running' | FaultConflict>;
  /** Not running: success. */
  stop(place: FaultPlace, fault: FaultName, signal: AbortSignal): Promise<'stopped'>;
  status(place: FaultPlace, fault: FaultName, signal: AbortSignal): Promise<'running' | 'not-running'>;
}
