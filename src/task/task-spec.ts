import type { Dependency } from './dependencies.ts';
import type { TaskEni } from './eni.ts';
import type { GpuAssociation } from './gpus.ts';
import type { HealthCheck } from './health.ts';
import type { TaskArn } from './ids.ts';
import type { PortMapping } from './port-mapping.ts';
import type { RestartPolicy } from './restart.ts';
import type { SecretReference } from './secrets.ts';
import type { MountPoint, TaskVolume, VolumesFrom } from './volumes.ts';

/** Network modes this agent knows; `bridge` when the payload names none (ENG-36). */
export type NetworkMode = 'awsvpc' | 'bridge' | 'host' | 'none';
/** Whose processes the containers of a task see: the host's, or each other's. */
export type PidMode = 'host' | 'task';
/** Whose System V IPC, message queues and /dev/shm they have: the host's, one of the task, or nobody else's. */
export type IpcMode = 'host' | 'task' | 'none';

/** What ECS asked for, parsed and validated once (acs.md §10). Never changes after admission. */
export interface TaskSpec {
  readonly arn: TaskArn;
  /** Cluster as the payload's message named it. */
  readonly clusterArn: string;
  readonly family: string;
  /** Revision of the task definition, a decimal number as text. */
  readonly version: string;
  readonly group?: string;
  readonly serviceName?: string;
  readonly launchType?: string;
  /** Task limit in vCPU (0.5 is half a processor); absent: no task limit. */
  readonly cpu?: number;
  /** Task limit in MiB; absent: no task limit. */
  readonly memoryMiB?: number;
  readonly networkMode: NetworkMode;
  /** Absent: every container has its own. */
  readonly pidMode?: PidMode;
  /** Absent: every container has its own. */
  readonly ipcMode?: IpcMode;
  /** Of awsvpc tasks. */
  readonly eni?: TaskEni;
  readonly taskCredentialsId?: string;
  readonly executionCredentialsId?: string;
  /** Its containers may ask for network faults; absent: they may not. */
  readonly faultInjection?: boolean;
  readonly containers: readonly ContainerSpec[];
  /** Absent: none. */
  readonly volumes?: readonly TaskVolume[];
  /** Absent: none. */
  readonly gpus?: readonly GpuAssociation[];
  /**
   * Fields of the payload that this agent cannot honour yet, e.g. `volumes`. Not empty: the task is refused
   * in set-up and reported STOPPED with their names, never half-run.
   */
  readonly unsupported: readonly string[];
}

/** What a container that the agent adds to a task is for: it holds namespaces that the others share. */
export const INTERNAL_KINDS = ['namespacePause', 'networkPause'] as const;
export type InternalKind = (typeof INTERNAL_KINDS)[number];

/** One container of a task, first-class fields and dockerConfig already merged (resources.md §12.1). */
export interface ContainerSpec {
  readonly name: string;
  /** Made by the agent for the task, and nothing of it is told to ECS; absent: of the task definition. */
  readonly internal?: InternalKind;
  readonly image: string;
  readonly essential: boolean;
  /** Absent: the image's own. */
  readonly command?: readonly string[];
  /** Absent: the image's own; given, it drops the image's command. */
  readonly entryPoint?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** CPU units, 1024 a processor; becomes shares, at least 2 (OBS-74). */
  readonly cpu: number;
  /** Hard limit in MiB; 0: none. */
  readonly memoryMiB: number;
  readonly dependsOn: readonly Dependency[];
  /** Absent: none. */
  readonly mountPoints?: readonly MountPoint[];
  readonly volumesFrom?: readonly VolumesFrom[];
  /** `name` or `name:alias` of other containers, as given; bridge mode only. Absent: none. */
  readonly links?: readonly string[];
  /** Absent: nothing is published. */
  readonly portMappings?: readonly PortMapping[];
  /** Absent: the health of this container is not reported. */
  readonly healthCheck?: HealthCheck;
  /** Absent: its end is its end. */
  readonly restartPolicy?: RestartPolicy;
  /** Seconds from its start within which those that depend on it must see their condition (ENG-73). */
  readonly startTimeoutSec?: number;
  /** Seconds between the stop signal and SIGKILL; absent: the instance's setting. */
  readonly stopTimeoutSec?: number;
  readonly containerArn?: string;
  readonly registryAuth?: RegistryAuth;
  /** Absent: none. */
  readonly secrets?: readonly SecretReference[];
  /** ARNs of S3 objects, in the order in which they are listed. */
  readonly environmentFiles?: readonly string[];
  readonly log: LogConfig;
  readonly options: ContainerOptions;
}

/** Log driver of a container; options are Docker's, all strings (logging.md §6). */
export interface LogConfig {
  readonly driver: string;
  /** True: the task definition named none, and this is the host's choice. */
  readonly byDefault?: boolean;
  /** It signs as the task's execution role. */
  readonly useExecutionRole?: boolean;
  readonly options: Readonly<Record<string, string>>;
}

/** How ECS said to authenticate at the registry (acs.md §10.8). */
export type RegistryAuth =
  | {
      readonly kind: 'ecr';
      readonly registryId: string;
      readonly region: string;
      readonly endpointOverride?: string;
      readonly useExecutionRole: boolean;
    }
  | { readonly kind: 'secretsmanager'; readonly credentialsParameter: string; readonly region: string };

/** Options that came in dockerConfig.config and dockerConfig.hostConfig (acs.md §10.7). */
export interface ContainerOptions {
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly hostname?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly readonlyRootfs: boolean;
  readonly ulimits: readonly Ulimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly dns: readonly string[];
  readonly dnsSearch: readonly string[];
  /** `host:address` each. */
  readonly extraHosts: readonly string[];
  readonly shmSizeBytes?: number;
  /** Mount point to mount options, as Docker writes them. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly memoryReservationBytes?: number;
  /** Memory and swap together; -1: unlimited. */
  readonly memorySwapBytes?: number;
  readonly memorySwappiness?: number;
  readonly domainname?: string;
  readonly privileged?: boolean;
  readonly devices?: readonly DeviceMapping[];
  /** As Docker writes them, `no-new-privileges`, `seccomp=unconfined`. */
  readonly securityOptions?: readonly string[];
  /** By name of the image's group file, or number. */
  readonly additionalGroups?: readonly string[];
  readonly init?: boolean;
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Absent: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  readonly oomScoreAdj?: number;
  /** Only `lo`, whatever the task's network mode. */
  readonly networkDisabled?: boolean;
  readonly cpuShares?: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  readonly cpuRealtimeRuntimeUs?: number;
  readonly cpuRealtimePeriodUs?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  readonly pidsLimit?: number;
  readonly blkioWeight?: number;
  readonly oomKillDisable?: boolean;
}

/** A device of the host in a container. */
export interface DeviceMapping {
  readonly pathOnHost: string;
  readonly pathInContainer: string;
  /** Of `r`, `w` and `m` (mknod). */
  readonly permissions: string;
}

/** A POSIX resource limit; -1 is unlimited. */
export interface Ulimit {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}
