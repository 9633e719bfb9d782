import type { TaskSpec } from './task-spec.ts';

/** How a port is reached; a tcp and a udp port of one number are different ports. */
export type PortProtocol = 'tcp' | 'udp';

/** Ports that a container wants published (acs.md §10.6). */
export interface PortMapping {
  readonly protocol: PortProtocol;
  /** The first port of a range. */
  readonly containerPort: number;
  /** 0: the agent chooses. */
  readonly hostPort: number;
  /** Ports of a range; absent: a single port. */
  readonly rangeLength?: number;
}

/** Ports that are published, chosen once for a container and kept (ecs-api.md §C3). */
export interface PortBinding {
  readonly bindIp: string;
  readonly protocol: PortProtocol;
  readonly containerPort: number;
  readonly hostPort: number;
  /** Ports of a range, mapped in order; absent: a single port. */
  readonly rangeLength?: number;
}

/** Families of the host's addresses whose bindings ECS is told of (ecs-api.md §C3). */
export interface ReportedFamilies {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

export function isReported(bindIp: string, { ipv4, ipv6 }: ReportedFamilies): boolean {
  return bindIp.includes(':') ? ipv6 : ipv4;
}

/** So many ports and ranges of one container can be told to ECS when there are ranges among them. */
const MOST_BINDINGS = 100;

/** Why the ports of a task could not be told once they are published, or undefined (ENG-94). */
export function portProblem({ containers }: TaskSpec): string | undefined {
  for (const { name, portMappings = [] } of containers)
    if (
      portMappings.length > MOST_BINDINGS &&
      portMappings.some(({ rangeLength }) => rangeLength !== undefined)
    )
      return (
        `container "${name}" publishes ${portMappings.length} ports and ranges; with ranges among them ECS takes ` +
        `at most ${MOST_BINDINGS} of a container: join ports that follow one another into ranges`
      );
  return undefined;
}
