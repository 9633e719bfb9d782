import type { Attribute, Resource } from '../../wire/ecs-api.ts';
import type { TaskNeeds } from '../state/records.ts';

/** Why a task cannot go to an instance, in AWS's words (ecs-api.md §D1). */
export type PlacementFailure =
  | 'MISSING'
  | 'INACTIVE'
  | 'AGENT'
  | 'ATTRIBUTE'
  | 'RESOURCE:CPU'
  | 'RESOURCE:MEMORY'
  | 'RESOURCE:PORTS'
  | 'RESOURCE:GPU'
  | 'RESOURCE:ENI';

/** An instance as placement sees it. */
export interface Candidate {
  readonly agentConnected: boolean;
  readonly attributes: readonly Attribute[];
  readonly remaining: readonly Resource[];
}

/** What a run asks for. */
export interface Demand {
  readonly attributes: readonly Attribute[];
  readonly needs: TaskNeeds;
  readonly gpus: number;
  /** False leaves CPU, memory and ports unchecked. */
  readonly checkResources: boolean;
}

/** The first reason that keeps the run from this instance; undefined when it fits. */
export function placementFailure(demand: Demand, candidate: Candidate): PlacementFailure | undefined {
  if (!candidate.agentConnected) return 'AGENT';
  const lacks = demand.attributes.some(
    (wanted) =>
      !candidate.attributes.some(
        ({ name, value }) => name === wanted.name && (wanted.value === undefined || value === wanted.value),
      ),
  );
  if (lacks) return 'ATTRIBUTE';
  if (demand.gpus > freeGpus(candidate.remaining).length) return 'RESOURCE:GPU';
  if (!demand.checkResources) return undefined;
  if (demand.needs.cpu > amount(candidate.remaining, 'CPU')) return 'RESOURCE:CPU';
  if (demand.needs.memoryMiB > amount(candidate.remaining, 'MEMORY')) return 'RESOURCE:MEMORY';
  const taken = (name: string, ports: readonly string[]) =>
    ports.some((port) => set(candidate.remaining, name).includes(port));
  if (taken('PORTS', demand.needs.tcpPorts) || taken('PORTS_UDP', demand.needs.udpPorts)) {
    return 'RESOURCE:PORTS';
  }
  return undefined;
}

/** Ids of the GPUs no task holds. */
export function freeGpus(remaining: readonly Resource[]): readonly string[] {
  return set(remaining, 'GPU');
}

function amount(resources: readonly Resource[], name: string): number {
  return resources.find((resource) => resource.name === name)?.integerValue ?? 0;
}

function set(resources: readonly Resource[], name: string): readonly string[] {
  return resources.find((resource) => resource.name === name)?.stringSetValue ?? [];
}
