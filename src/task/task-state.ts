import type { ContainerAddresses } from './container-facts.ts';
import type { Reason } from './errors.ts';
import type { ContainerHealth } from './health.ts';
import type { PortBinding } from './port-mapping.ts';
import type { ContainerReport } from './report.ts';
import type { Restarts } from './restart.ts';
import type { ContainerStatus, DesiredStatus, TaskStatus } from './statuses.ts';
import type { TaskSpec } from './task-spec.ts';

/**
 * Everything that is remembered of a task; moves only through `reduce`. Times are epoch ms.
 *
 *   task:      NONE ─► MANIFEST_PULLED ─► CREATED ─► RUNNING ─► STOPPED ─► (cleaned up: the record goes)
 *   container: NONE ─► MANIFEST_PULLED ─► PULLED ─► CREATED ─► RUNNING ─► STOPPED
 *
 * A status never goes back. STOPPED of a container means that its process tree is proven gone.
 */
export interface TaskState {
  readonly spec: TaskSpec;
  readonly desired: DesiredStatus;
  readonly known: TaskStatus;
  readonly knownAt: number;
  readonly receivedAt: number;
  /** Why the task as a whole failed; set once (ENG-14). Empty for ordinary stops. */
  readonly stoppedReason: string;
  /** When it was given its share of the host; absent: it waits for it, and nothing of it is begun. */
  readonly admittedAt?: number;
  /** The task's cgroup and directories. */
  readonly resources: 'absent' | 'ready' | 'removed';
  /** Secrets and environment files are in memory; never true in a task that another process has stored. */
  readonly fetched?: boolean;
  /** Of an awsvpc task that is over: its ENI is the host's again. */
  readonly networkReleased?: true;
  readonly containers: readonly ContainerState[];
  readonly pullStartedAt?: number;
  readonly pullStoppedAt?: number;
  /** When the first essential container was seen stopped (ENG-88). */
  readonly executionStoppedAt?: number;
  /** Highest task status put into the outbox. */
  readonly reportedStatus: TaskStatus;
  /** Container changes that wait for the next report of the task (ecs-api.md §C6). */
  readonly collected: readonly ContainerReport[];
  /** Since when `collected` is not empty. */
  readonly collectedAt?: number;
  /** Reports of this task in the outbox that ECS has not accepted yet. */
  readonly unsettledReports: number;
}

export interface ContainerState {
  readonly name: string;
  readonly generation: number;
  readonly known: ContainerStatus;
  readonly desired: DesiredStatus;
  /** Since when it has its status; absent: older than such records. */
  readonly knownAt?: number;
  /** Digest of the image, resolved by the agent or taken from the reference. */
  readonly imageDigest?: string;
  /** The agent asked a registry or a local image for the digest: it is news to ECS (ENG-89). */
  readonly digestResolved: boolean;
  /** Local image that the container is made from. */
  readonly imageName?: string;
  readonly imageId?: string;
  /** First error met on the way (ENG-17). */
  readonly reason?: Reason;
  readonly exitCode?: number;
  readonly createdAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly pid?: number;
  readonly health?: ContainerHealth;
  /** Ports of the host that lead to the container; chosen before it is created and kept for good (OBS-92). */
  readonly portBindings?: readonly PortBinding[];
  /** Absent where it has none of its own: host mode, none. */
  readonly addresses?: ContainerAddresses;
  /** Absent: never started again by its restart policy. */
  readonly restarts?: Restarts;
  /** When the stop began: the SIGKILL is due this plus the grace, also after a crash, but never before a stop signal. */
  readonly stopRequestedAt?: number;
  /**
   * What the runtime still holds of a STOPPED container: `exited` until its process record is freed and its
   * log is complete, then `released` until its clean-up, then `removed`. Before STOPPED: `live`.
   */
  readonly remains: 'live' | 'exited' | 'released' | 'removed';
}
