import type { ContainerLogs } from '../container-log/container-logs.ts';
import type { ImageService, PullProgress, RegistryCredentials } from '../image/images.ts';
import type { Network } from '../network/network.ts';
import type { TaskCgroups } from '../resource/task-cgroups.ts';
import type { TaskSecrets } from '../resource/task-secrets.ts';
import type { TaskVolumes } from '../resource/task-volumes.ts';
import type { ContainerRuntime } from '../runtime/runtime.ts';
import type { TaskEvent } from '../task/event.ts';
import type { ContainerSpec, TaskSpec } from '../task/task-spec.ts';
import type { ContainerState, TaskState } from '../task/task-state.ts';
import { CALL_DEADLINES, type CallDeadlines } from './call-deadlines.ts';
import type { FoundImages } from './found-images.ts';
import type { HostResources } from './host-resources.ts';
import type { ImageCleanupSettings, ImageKeeper } from './image-keeper.ts';
import type { MetadataFiles } from './metadata-files.ts';

/** What steps act on: the ports, and the settings that shape them. Shared by all tasks. */
export interface StepPorts {
  readonly runtime: ContainerRuntime;
  readonly images: ImageService;
  readonly network: Network;
  /** Absent when task limits are switched off (resources.md §2). */
  readonly cgroups?: TaskCgroups;
  readonly volumes: TaskVolumes;
  readonly secrets: TaskSecrets;
  readonly logs: ContainerLogs;
  /** Absent: containers get no metadata file (ECS_ENABLE_CONTAINER_METADATA). */
  readonly metadataFiles?: MetadataFiles;
  readonly settings: EngineSettings;
  /** Variables that tell a container where its metadata and credentials are; laid over its own. */
  endpointEnvironment(task: TaskSpec, container: ContainerSpec): Readonly<Record<string, string>>;
  /** What a container of the task carries, so that the task can be brought back without the store; absent: nothing. */
  keepsake?(task: TaskState): Uint8Array | undefined;
  /**
   * Who the agent is at the registry of the container's image; undefined: nobody. Rejects with a `TaskError`, or
   * with `CredentialsNotHereError` while the execution role's credentials have not come.
   */
  registryCredentials(
    task: TaskSpec,
    container: ContainerSpec,
    options: { signal: AbortSignal },
  ): Promise<RegistryCredentials | undefined>;
  /** Epoch ms. */
  now(): number;
}

/** Settings of the instance that the engine follows; all times in ms. */
export interface EngineSettings {
  readonly cluster: string;
  readonly region: string;
  /** True: the host has no IPv4. */
  readonly ipv6Only?: boolean;
  /** Containers without a memory limit get their task's, on cgroup v2 (resources.md §12.1). */
  readonly propagateTaskMemory?: boolean;
  readonly pullBehavior: PullBehavior;
  readonly pullUpfront: boolean;
  readonly createTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly stopTimeoutMs: number;
  readonly manifestTimeoutMs: number;
  readonly pullTimeoutMs: number;
  readonly cleanupWaitMs: number;
  readonly cleanupJitterMs: number;
  readonly imageCleanup: ImageCleanupSettings;
  /** Labels of the containers that the agent adds to tasks (ECS_PAUSE_LABELS). */
  readonly pauseLabels: Readonly<Record<string, string>>;
  /** OCI runtime of containers with GPUs, as the container runtime knows it. */
  readonly gpuRuntime: string;
  /** Of calls that no setting bounds; absent: CALL_DEADLINES. */
  readonly deadlines?: CallDeadlines;
}

/** ECS_IMAGE_PULL_BEHAVIOR (task-engine.md §8.1). */
export type PullBehavior = 'default' | 'always' | 'once' | 'prefer-cached';

/** One run of one step. */
export interface StepContext extends StepPorts {
  readonly hostResources: HostResources;
  readonly imageKeeper: ImageKeeper;
  readonly foundImages: FoundImages;
  readonly task: TaskState;
  /** Aborts when the step is superseded or the agent stops. */
  readonly signal: AbortSignal;
  /** A fact that is known before the step ends. */
  emit(event: TaskEvent): void;
  progress(container: string, progress: PullProgress): void;
}

/** As much of it as a step of one container needs. */
export type ContainerStepContext = StepPorts & Pick<StepContext, 'task' | 'signal' | 'emit' | 'foundImages'>;

/** Deadlines of calls that no setting bounds. */
export function deadlinesOf({ settings }: Pick<StepPorts, 'settings'>): CallDeadlines {
  return settings.deadlines ?? CALL_DEADLINES;
}

/** A container as asked for and as it stands. */
export interface ContainerPair {
  readonly spec: ContainerSpec;
  readonly state: ContainerState;
}

/** Finds a container of the step's task; a plan only names containers that are there. */
export function containerOf(task: TaskState, name: string): ContainerPair {
  const spec = task.spec.containers.find((c) => c.name === name);
  const state = task.containers.find((c) => c.name === name);
  if (spec === undefined || state === undefined)
    throw new Error(`task ${task.spec.arn} has no container "${name}"`);
  return { spec, state };
}
