import type { TaskArn } from './ids.ts';
import type { PortBinding } from './port-mapping.ts';

/** A change that ECS must be told, as it waits in the outbox (ecs-api.md §A4.4, §C). */
export interface StateReport {
  readonly task: TaskArn;
  readonly status: 'PENDING' | 'RUNNING' | 'STOPPED';
  /** Empty unless the task itself failed (OBS-12). */
  readonly reason: string;
  readonly containers: readonly ContainerReport[];
  /** Epoch ms of the clock that the state goes by, each as soon as known. */
  readonly pullStartedAt?: number;
  readonly pullStoppedAt?: number;
  readonly executionStoppedAt?: number;
}

/** One container's change; a container may stand twice in a report, RUNNING then STOPPED (OBS-07). */
export interface ContainerReport {
  readonly containerName: string;
  readonly status: 'PENDING' | 'RUNNING' | 'STOPPED';
  readonly runtimeId?: string;
  readonly imageDigest?: string;
  readonly exitCode?: number;
  /** Not empty. */
  readonly portBindings?: readonly PortBinding[];
  /** `<Name>: <message>`. */
  readonly reason?: string;
}
