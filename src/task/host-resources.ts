import type { TaskArn } from './ids.ts';
import type { PortProtocol } from './port-mapping.ts';
import type { ContainerSpec, TaskSpec } from './task-spec.ts';

/** What of this host tasks may use (task-engine.md §9); as ECS was told at registration. */
export interface HostCapacity {
  /** 1024 a processor. */
  readonly cpuUnits: number;
  /** MiB, what is reserved for others already taken off. */
  readonly memoryMiB: number;
  /** Ports that no task may have. */
  readonly reservedPorts: Readonly<Record<PortProtocol, readonly number[]>>;
  /** Ids of its GPUs. */
  readonly gpus: readonly string[];
}

/** What a task takes of the host for as long as it is not over. */
export interface HostDemand {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly ports: readonly HostPort[];
  /** Ids of GPUs. */
  readonly gpus: readonly string[];
}

export interface HostPort {
  readonly protocol: PortProtocol;
  readonly port: number;
}

/** What keeps a task from the host's resources right now. */
export type Shortage =
  | {
      readonly kind: 'cpu' | 'memory';
      /** CPU units or MiB. */
      readonly needed: number;
      readonly free: number;
      readonly total: number;
    }
  | { readonly kind: 'port'; readonly port: HostPort; readonly holder: TaskArn }
  | { readonly kind: 'gpu'; readonly id: string; readonly holder: TaskArn };

/** What a task waits for that waits for its share of the host. */
export type HostWait =
  | { readonly kind: 'short'; readonly shortage: Shortage }
  /** Those before it in the queue come first. */
  | { readonly kind: 'behind'; readonly task: TaskArn };

const BYTES_PER_MIB = 1024 * 1024;

/**
 * The task's own limits, else the sums of its containers' (ENG-114); host ports that are named. Those that the
 * agent chooses are not asked for, nor any in awsvpc mode, where the task has an address of its own (ENG-113).
 */
export function demandOf(spec: TaskSpec): HostDemand {
  const sum = (of: (container: ContainerSpec) => number) =>
    spec.containers.reduce((total, container) => total + of(container), 0);
  const mappings = spec.networkMode === 'awsvpc' ? [] : spec.containers.flatMap((c) => c.portMappings ?? []);
  return {
    cpuUnits: spec.cpu === undefined ? sum((c) => c.cpu) : spec.cpu * 1024,
    memoryMiB: spec.memoryMiB ?? sum(memoryOf),
    ports: mappings
      .filter(({ hostPort }) => hostPort > 0)
      .map(({ protocol, hostPort }) => ({ protocol, port: hostPort })),
    gpus: (spec.gpus ?? []).map(({ id }) => id),
  };
}

function memoryOf({ memoryMiB, options: { memoryReservationBytes = 0 } }: ContainerSpec): number {
  const reservedMiB = Math.floor(memoryReservationBytes / BYTES_PER_MIB);
  return reservedMiB > 0 ? reservedMiB : memoryMiB;
}

/** Tasks that ECS does not count on the instance either (ENG-112). */
export function isCounted({ launchType }: TaskSpec): boolean {
  return launchType !== 'FARGATE';
}

/** Why the host could not take the task even if nothing else ran on it: waiting would be for ever. */
export function excessOf(demand: HostDemand, capacity: HostCapacity): string | undefined {
  if (demand.cpuUnits > capacity.cpuUnits)
    return `the task needs ${demand.cpuUnits} CPU units and the host has ${capacity.cpuUnits}`;
  if (demand.memoryMiB > capacity.memoryMiB)
    return `the task needs ${demand.memoryMiB} MiB of memory and the host has ${capacity.memoryMiB} MiB for tasks`;
  const reserved = demand.ports.find(({ protocol, port }) => capacity.reservedPorts[protocol].includes(port));
  if (reserved !== undefined)
    return `${reserved.protocol} port ${reserved.port} is reserved on the host (ECS_RESERVED_PORTS); use another hostPort`;
  const unknown = demand.gpus.find((id) => !capacity.gpus.includes(id));
  return (
    unknown &&
    `GPU ${unknown} is not one that the host has for tasks (${capacity.gpus.join(', ') || 'none; see ECS_ENABLE_GPU_SUPPORT'})`
  );
}

/** What is missing for `demand` while others hold what they hold; undefined when there is room. */
export function shortageOf(
  demand: HostDemand,
  capacity: HostCapacity,
  held: ReadonlyMap<TaskArn, HostDemand>,
): Shortage | undefined {
  const used = [...held.values()];
  const amounts = [
    ['cpu', 'cpuUnits'],
    ['memory', 'memoryMiB'],
  ] as const;
  for (const [kind, member] of amounts) {
    const total = capacity[member];
    const free = total - used.reduce((sum, other) => sum + other[member], 0);
    if (demand[member] > 0 && demand[member] > free) return { kind, needed: demand[member], free, total };
  }
  for (const port of demand.ports)
    for (const [holder, { ports }] of held)
      if (ports.some((other) => other.protocol === port.protocol && other.port === port.port))
        return { kind: 'port', port, holder };
  for (const id of demand.gpus)
    for (const [holder, { gpus }] of held) if (gpus.includes(id)) return { kind: 'gpu', id, holder };
  return undefined;
}
