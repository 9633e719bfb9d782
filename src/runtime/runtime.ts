import type { ChosenNetwork, ContainerExit, ContainerObservation } from '../task/container-facts.ts';
import type { ContainerId, TaskArn } from '../task/ids.ts';
import type { PortMapping } from '../task/port-mapping.ts';
import type { DeviceMapping, Ulimit } from '../task/task-spec.ts';

/**
 * The container runtime as the engine sees it. Terms: a *container* is a record with a writable snapshot; it
 * has at most one *process tree* at a time, started once. Lifecycle of an id:
 *
 *   absent ─create─► created ─start─► running ─(exit)─► exited ─release─► released ─remove─► absent
 *
 * Every call may be repeated after a crash at any line and finds what the last run made: creating what exists,
 * stopping what is stopped, releasing and removing what is gone are successes. Calls reject with a
 * `TaskError` when the runtime refused, with `RuntimeUnavailableError` when it could not be reached, and with
 * the signal's reason when aborted; an aborted call may still have had its effect, so observe before acting.
 * Ids come from `containerIdOf`. Only containers with the label `LABEL_TASK_ARN` in the agent's own namespace
 * are ever listed or touched.
 */
export interface ContainerRuntime {
  readonly info: RuntimeInfo;
  /** Cheap proof that the runtime answers; for health checks. */
  ping(options: CallOptions): Promise<void>;
  /** Makes the container's record and writable snapshot from an image that is present. Starts nothing. */
  createContainer(request: CreateContainer, options: CallOptions): Promise<void>;
  /**
   * Starts the process. Resolves when it runs; its exit, however early, comes once through `events()` after
   * that. Started already: resolves with what is known, unless its last run is not later than `afterRun`: that
   * has ended, and it is started again as it is, with the same snapshot and network. Nothing of the container runs
   * before `beforeProcess` is done, and nothing is left of a start that fails by it.
   */
  startContainer(id: ContainerId, options: StartOptions): Promise<StartedContainer>;
  /**
   * Stops the process: `request.stopSignal` (the image's, else SIGTERM), SIGKILL at `killAtMs`, then the
   * cgroup's kill. Resolves only when the process tree is proven gone; undefined when it never ran.
   */
  stopContainer(
    id: ContainerId,
    request: StopContainer,
    options: CallOptions,
  ): Promise<ContainerExit | undefined>;
  /** What the container is right now. Only reads. */
  observeContainer(id: ContainerId, options: CallOptions): Promise<ContainerObservation>;
  /** Every container of ours with its state. Only reads. Exits of running ones are watched from then on. */
  listContainers(options: CallOptions): Promise<readonly ListedContainer[]>;
  /** Frees the runtime's process record (shim, mounts) of an exited container; its exit must be stored before. */
  releaseContainer(id: ContainerId, options: CallOptions): Promise<void>;
  /** Removes record and snapshot; kills what still runs first. */
  removeContainer(id: ContainerId, options: CallOptions): Promise<void>;
  /**
   * Changes limits of a running container at once; what `change` leaves out stays as it is. Rejects with
   * NoSuchContainerError when it does not run, and with a HostConfigError when the kernel refuses a value.
   */
  updateLimits(id: ContainerId, change: LimitsChange, options: CallOptions): Promise<void>;
  /** Runs a command in a running container and waits for its end; killed at the deadline of `options`. */
  exec(id: ContainerId, request: ExecRequest, options: CallOptions): Promise<ExecResult>;
  /** Exits, OOM kills and gaps, in order, from the moment of the call on. Ends when the signal aborts. */
  events(options: CallOptions): AsyncIterable<RuntimeEvent>;
  /** Lets go of connections. Containers keep running. */
  close(): Promise<void>;
}

export type { ContainerExit, ContainerObservation } from '../task/container-facts.ts';

export interface CallOptions {
  readonly signal: AbortSignal;
}

export interface StartOptions extends CallOptions {
  /** `ContainerExit.run` of the end after which it is to be started again; absent: it has never ended. */
  readonly afterRun?: number;
  /**
   * Completes what the process needs and the container was only promised, such as its network; the runtime makes
   * ready for the process meanwhile, where it can. Not called for one that was started already. The start rejects
   * with what it rejects with; its signal aborts when the start fails by itself.
   */
  beforeProcess?(options: CallOptions): Promise<void>;
}

/** What the runtime is and can do; what it cannot do is told here, never guessed from its name. */
export interface RuntimeInfo {
  readonly name: 'containerd' | 'docker' | 'fake';
  readonly version: string;
  /** What the ACS upgrade carries as `dockerVersion` (acs.md §2). */
  readonly acsDockerVersion: string;
  /** What the TCS upgrade carries as `dockerVersion`; absent: the parameter is left out (tcs.md §1). */
  readonly tcsDockerVersion?: string;
  /** `own`: the runtime makes bridges and publishes ports itself; `none`: the agent's network does. */
  readonly network: 'own' | 'none';
  /** Link of the bridge that it makes, where it has one. */
  readonly bridge?: string;
  /** How containers get into a network namespace that the agent has filled; see `NetworkNamespace`. */
  readonly joinsNetworkBy: 'path' | 'container';
  /** Whether containers write their output into FIFOs of the agent's log service. */
  readonly fifoLogs: boolean;
  /** Whether it still knows, after a restart of the host, how containers ended. */
  readonly remembersOverBoot: boolean;
}

/** Everything about a container that the runtime needs; paths and ids are the host's. */
export interface CreateContainer {
  readonly id: ContainerId;
  /** Shown name, `ecs-<family>-<revision>-<container>-<hex>`. */
  readonly name: string;
  readonly taskArn: TaskArn;
  /** Containers with the same group share one shim where the runtime can. */
  readonly group: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Name of a local image as `LocalImage.name` gives it. */
  readonly image: string;
  /**
   * It is made from the runtime's own pause program alone, which waits, reaps the orphans of its PID namespace and
   * ends with SIGTERM or SIGINT. `image` does not count then; `entryPoint` and `command` are absent.
   */
  readonly pause?: boolean;
  /** Absent: the image's. */
  readonly entryPoint?: readonly string[];
  /** Absent: the image's, unless `entryPoint` is given. */
  readonly command?: readonly string[];
  /** Laid over the image's environment, by key. */
  readonly environment: Readonly<Record<string, string>>;
  /** `user`, `user:group`, names or numbers, as in the image's passwd and group; absent: the image's. */
  readonly user?: string;
  readonly workingDirectory?: string;
  readonly hostname?: string;
  /** NIS domain name. */
  readonly domainname?: string;
  /** OCI runtime that runs it, as the runtime knows it; absent: the usual one. */
  readonly ociRuntime?: string;
  readonly terminal: boolean;
  readonly openStdin: boolean;
  readonly readonlyRootfs: boolean;
  readonly capabilitiesAdd: readonly string[];
  readonly capabilitiesDrop: readonly string[];
  readonly ulimits: readonly Ulimit[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly mounts: readonly BindMount[];
  /** Mount point to Docker mount options. */
  readonly tmpfs: Readonly<Record<string, string>>;
  readonly shmSizeBytes?: number;
  /** All capabilities and devices; no seccomp, AppArmor, masked or read-only paths. */
  readonly privileged?: boolean;
  /** Devices of the host, or directories of them. */
  readonly devices?: readonly DeviceMapping[];
  /** As Docker writes them: `no-new-privileges`, `seccomp=unconfined`, `apparmor=…`, `label=…`. */
  readonly securityOptions?: readonly string[];
  /** Groups that the process has beside the user's, by name or number. */
  readonly additionalGroups?: readonly string[];
  /** An init that reaps orphans and passes signals on is process 1. */
  readonly init?: boolean;
  /** Absent: Docker's (resources.md §12.3). */
  readonly maskedPaths?: readonly string[];
  readonly readonlyPaths?: readonly string[];
  /** Signal of a stop that names none; absent: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** -1000..1000, how soon the kernel picks the process when memory runs out; absent: 0. */
  readonly oomScoreAdj?: number;
  /** Absent: a namespace of its own. */
  readonly pid?: SharedNamespace;
  /**
   * Absent: a namespace and a /dev/shm of its own; `shareable`: those too, and other containers may have them;
   * `none`: its own namespace and no /dev/shm.
   */
  readonly ipc?: SharedNamespace | { readonly kind: 'shareable' } | { readonly kind: 'none' };
  readonly network: NetworkNamespace;
  readonly limits: ContainerLimits;
  /** Parent cgroup as `TaskCgroups.ensure` gave it; absent: the runtime's default place. */
  readonly cgroup?: CgroupParent;
  readonly stdio: ContainerStdio;
  /** Kept with the container and given back with it; a few KB, and no secret: users of the runtime can read it. */
  readonly keepsake?: Uint8Array;
}

export type NetworkNamespace =
  | { readonly kind: 'host' }
  /** A new namespace with only `lo`. */
  | { readonly kind: 'isolated' }
  /** Only where `RuntimeInfo.joinsNetworkBy` is `path`. */
  | { readonly kind: 'path'; readonly path: string }
  /**
   * That of another container of the task, which runs, and with it its host name: the request's does not count.
   * Only where `RuntimeInfo.joinsNetworkBy` is `container`.
   */
  | { readonly kind: 'container'; readonly id: ContainerId }
  /** A bridge that the runtime makes itself, with published ports; only where `RuntimeInfo.network` is `own`. */
  | {
      readonly kind: 'bridge';
      readonly ports: readonly PortMapping[];
      readonly dns: readonly string[];
      readonly dnsSearch: readonly string[];
      /** `name:address`. */
      readonly extraHosts: readonly string[];
      /** Containers of the task that run; the runtime gives names and variables. */
      readonly links: readonly { readonly id: ContainerId; readonly alias: string }[];
    };

/** A PID or IPC namespace that others use too; with the latter goes its /dev/shm. */
export type SharedNamespace =
  | { readonly kind: 'host' }
  /** That of another container of the task, which runs; its IPC namespace is `shareable`. */
  | { readonly kind: 'container'; readonly id: ContainerId };

export interface BindMount {
  readonly source: string;
  readonly destination: string;
  readonly readonly: boolean;
}

export interface ContainerLimits {
  /** CPU shares, 2..262144. */
  readonly cpuShares: number;
  /** Bytes; absent: none. */
  readonly memoryBytes?: number;
  readonly memoryReservationBytes?: number;
  /** Memory and swap together in bytes; -1: unlimited. */
  readonly memorySwapBytes?: number;
  readonly memorySwappiness?: number;
  /** CPU time in µs that `cpuPeriodUs` (absent: 100000) brings; absent: no quota. */
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs?: number;
  /** Time in µs for real-time tasks in every `cpuRealtimePeriodUs`; cgroup v1 only. */
  readonly cpuRealtimeRuntimeUs?: number;
  readonly cpuRealtimePeriodUs?: number;
  /** Lists such as `0-2,7`; absent: the parent's. */
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** Most processes and threads; absent: no limit of its own. */
  readonly pidsLimit?: number;
  /** Share of block I/O, 10..1000. */
  readonly blkioWeight?: number;
  /** The kernel lets processes wait instead of killing one when memory runs out; cgroup v1 only. */
  readonly oomKillDisable?: boolean;
}

/** Limits that can change while a container runs. */
export type LimitsChange = Partial<Omit<ContainerLimits, 'memorySwappiness' | 'oomKillDisable'>>;

/** Where a container's cgroup goes: below a path of every hierarchy, or in a systemd slice. */
export type CgroupParent =
  | { readonly driver: 'cgroupfs'; readonly path: string }
  | { readonly driver: 'systemd'; readonly slice: string };

export type ContainerStdio =
  | { readonly kind: 'null' }
  /** FIFOs that have a reader already. */
  | { readonly kind: 'fifo'; readonly stdout: string; readonly stderr: string }
  /** The runtime keeps the output itself with its own driver. */
  | { readonly kind: 'runtime'; readonly driver: string; readonly options: Readonly<Record<string, string>> };

export interface StartedContainer {
  /** 0: it has ended since, and the runtime no longer knows. */
  readonly pid: number;
  /** Epoch ms. */
  readonly startedAt: number;
  /** What the runtime chose, where the network is its own. */
  readonly network?: ChosenNetwork;
}

export interface StopContainer {
  /** Signal name or number; absent: the image's, else SIGTERM. */
  readonly stopSignal?: string;
  /** Epoch ms of the SIGKILL by `steadyNow`; in the past: at once. */
  readonly killAtMs: number;
}

export interface ListedContainer {
  readonly id: ContainerId;
  readonly labels: Readonly<Record<string, string>>;
  readonly observation: ContainerObservation;
  /** `CreateContainer.keepsake`. */
  readonly keepsake?: Uint8Array;
}

export interface ExecRequest {
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly user?: string;
  /** Bytes of output kept, the first ones. */
  readonly outputLimit: number;
}

export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

export type RuntimeEvent =
  | { readonly kind: 'exited'; readonly id: ContainerId; readonly exit: ContainerExit }
  | { readonly kind: 'oom'; readonly id: ContainerId }
  /** Events may have been lost before this one: observe everything. First event of every stream. */
  | { readonly kind: 'resync' };

/** Labels that every container of this agent carries (ENG-41). */
export const LABEL_TASK_ARN = 'com.amazonaws.ecs.task-arn';
export const LABEL_CONTAINER_NAME = 'com.amazonaws.ecs.container-name';
export const LABEL_CLUSTER = 'com.amazonaws.ecs.cluster';
export const LABEL_FAMILY = 'com.amazonaws.ecs.task-definition-family';
export const LABEL_VERSION = 'com.amazonaws.ecs.task-definition-version';
/** Our own: the shown name, and the generation that the id was derived from. */
export const LABEL_DISPLAY_NAME = 'ecs-containerd-agent.display-name';
