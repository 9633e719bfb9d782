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
