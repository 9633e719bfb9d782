import { variable } from './variable.ts';
import { atLeast, cgroupPeriodText, pidsLimit, refuseBelow } from './variable-checks.ts';
import {
  choice,
  cidr,
  commaList,
  duration,
  integer,
  plainBoolean,
  strictJson,
  text,
  textMap,
  triState,
} from './variable-kinds.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Settings of how tasks are run: timeouts, pulls, cleanup, features (config.md §3.4 to §3.6). */
export const TASK_VARIABLES = {
  // §3.4 timeouts and pulls
  containerStopTimeoutMs: duration({
    env: 'ECS_CONTAINER_STOP_TIMEOUT',
    jsonKey: 'DockerStopTimeout',
    fallback: 30 * SECOND,
    envMinimum: SECOND,
    check: refuseBelow(SECOND),
  }),
  containerStartTimeoutMs: duration({
    env: 'ECS_CONTAINER_START_TIMEOUT',
    jsonKey: 'ContainerStartTimeout',
    fallback: 3 * MINUTE,
    envMinimum: 45 * SECOND,
    check: refuseBelow(45 * SECOND),
  }),
  containerCreateTimeoutMs: duration({
    env: 'ECS_CONTAINER_CREATE_TIMEOUT',
    jsonKey: 'ContainerCreateTimeout',
    fallback: 4 * MINUTE,
    envMinimum: MINUTE,
  }),
  manifestPullTimeoutMs: duration({
    env: 'ECS_MANIFEST_PULL_TIMEOUT',
    jsonKey: 'ManifestPullTimeout',
    fallback: MINUTE,
    envMinimum: 30 * SECOND,
  }),
  imagePullTimeoutMs: duration({
    env: 'ECS_IMAGE_PULL_TIMEOUT',
    jsonKey: 'ImagePullTimeout',
    fallback: 2 * HOUR,
  }),
  imagePullInactivityTimeoutMs: duration({
    env: 'ECS_IMAGE_PULL_INACTIVITY_TIMEOUT',
    jsonKey: 'ImagePullInactivityTimeout',
    fallback: MINUTE,
    envMinimum: MINUTE,
    check: atLeast(MINUTE, MINUTE),
  }),
  imagePullBehavior: choice({
    env: 'ECS_IMAGE_PULL_BEHAVIOR',
    jsonKey: 'ImagePullBehavior',
    values: ['default', 'always', 'once', 'prefer-cached'],
    fallback: 'default',
    jsonNumbers: true,
  }),
  pullDependentContainersUpfront: triState({
    env: 'ECS_PULL_DEPENDENT_CONTAINERS_UPFRONT',
    jsonKey: 'DependentContainersPullUpfront',
    whenUnset: false,
  }),

  // §3.5 cleanup
  taskCleanupWaitMs: duration({
    env: 'ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION',
    jsonKey: 'TaskCleanupWaitDuration',
    fallback: 3 * HOUR,
    check: atLeast(SECOND, 3 * HOUR),
  }),
  taskCleanupWaitJitterMs: duration({
    env: 'ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION_JITTER',
    jsonKey: 'TaskCleanupWaitDurationJitter',
    fallback: 0,
  }),
  imageCleanupDisabled: triState({
    env: 'ECS_DISABLE_IMAGE_CLEANUP',
    jsonKey: 'ImageCleanupDisabled',
    whenUnset: false,
  }),
  imageCleanupIntervalMs: duration({
    env: 'ECS_IMAGE_CLEANUP_INTERVAL',
    jsonKey: 'ImageCleanupInterval',
    fallback: 30 * MINUTE,
    check: atLeast(10 * MINUTE, 30 * MINUTE),
  }),
  imageMinimumAgeMs: duration({
    env: 'ECS_IMAGE_MINIMUM_CLEANUP_AGE',
    jsonKey: 'MinimumImageDeletionAge',
    fallback: HOUR,
  }),
  untrackedImageMinimumAgeMs: duration({
    env: 'NON_ECS_IMAGE_MINIMUM_CLEANUP_AGE',
    jsonKey: 'NonECSMinimumImageDeletionAge',
    fallback: HOUR,
  }),
  imagesDeletedPerCycle: integer({
    env: 'ECS_NUM_IMAGES_DELETE_PER_CYCLE',
    jsonKey: 'NumImagesToDeletePerCycle',
    fallback: 5,
    check: atLeast(1, 5),
  }),
  untrackedContainersDeletedPerCycle: integer({
    env: 'NONECS_NUM_CONTAINERS_DELETE_PER_CYCLE',
    jsonKey: 'NumNonECSContainersToDeletePerCycle',
    fallback: 5,
  }),
  /** Within the agent's own containerd namespace only. */
  untrackedImageCleanup: triState({
    env: 'ECS_ENABLE_UNTRACKED_IMAGE_CLEANUP',
    jsonKey: 'DeleteNonECSImagesEnabled',
    whenUnset: false,
  }),
  imageCleanupExclusions: commaList({
    env: 'ECS_EXCLUDE_UNTRACKED_IMAGE',
    jsonKey: 'ImageCleanupExclusionList',
  }),

  // §3.6 task features
  taskIamRole: triState({
    env: 'ECS_ENABLE_TASK_IAM_ROLE',
    jsonKey: 'TaskIAMRoleEnabled',
    whenUnset: false,
  }),
  taskIamRoleNetworkHost: plainBoolean({
    env: 'ECS_ENABLE_TASK_IAM_ROLE_NETWORK_HOST',
    jsonKey: 'TaskIAMRoleEnabledForNetworkHost',
  }),
  taskEni: triState({ env: 'ECS_ENABLE_TASK_ENI', jsonKey: 'TaskENIEnabled', whenUnset: false }),
  eniTrunking: triState({ env: 'ECS_ENABLE_HIGH_DENSITY_ENI', whenUnset: true }),
  cniPluginsPath: text({ env: 'ECS_CNI_PLUGINS_PATH', jsonKey: 'CNIPluginsPath' }),
  awsvpcBlockImds: triState({
    env: 'ECS_AWSVPC_BLOCK_IMDS',
    jsonKey: 'AWSVPCBlockInstanceMetdata',
    whenUnset: false,
  }),
  awsvpcAdditionalLocalRoutes: strictJson<readonly string[]>({
    env: 'ECS_AWSVPC_ADDITIONAL_LOCAL_ROUTES',
    jsonKey: 'AWSVPCAdditionalLocalRoutes',
    fallback: [],
    read: (value) => {
      if (!Array.isArray(value)) throw new Error('must be a list of address prefixes');
      return value.length === 0 ? undefined : value.map(cidr);
    },
  }),
  /** Extra labels of sandbox containers; unreadable ones are left out with a warning. */
  pauseLabels: strictJson<Readonly<Record<string, string>>>({
    env: 'ECS_PAUSE_LABELS',
    fallback: {},
    read: textMap,
    lenient: true,
  }),
  eniPauseContainerCleanupDelaySec: integer({ jsonKey: 'ENIPauseContainerCleanupDelaySeconds', fallback: 0 }),
  taskCpuMemLimit: triState({
    env: 'ECS_ENABLE_TASK_CPU_MEM_LIMIT',
    jsonKey: 'TaskCPUMemLimit',
    whenUnset: undefined,
  }),
  cgroupPath: text({ env: 'ECS_CGROUP_PATH', jsonKey: 'CgroupPath', fallback: '/sys/fs/cgroup' }),
  /** CFS period of the task cgroup; a file cannot set it (config.md §2.3). */
  cgroupCpuPeriodMs: variable<number>({
    env: 'ECS_CGROUP_CPU_PERIOD',
    fallback: 100,
    fromEnvironment: cgroupPeriodText,
  }),
  /** `pids.max` of the task cgroup; 0: none. */
  taskPidsLimit: integer({
    env: 'ECS_TASK_PIDS_LIMIT',
    jsonKey: 'TaskPidsLimit',
    fallback: 0,
    check: pidsLimit,
  }),
  propagateTaskMemoryLimit: triState({
    env: 'ECS_PROPAGATE_TASK_MEMORY_LIMIT_CGROUPV2',
    jsonKey: 'PropagateTaskMemoryLimitCgroupV2',
    whenUnset: false,
  }),
  gpuSupport: plainBoolean({ env: 'ECS_ENABLE_GPU_SUPPORT', jsonKey: 'GPUSupportEnabled' }),
  nvidiaRuntime: text({
    env: 'ECS_NVIDIA_RUNTIME',
    jsonKey: 'NvidiaRuntime',
    fallback: 'nvidia',
    trim: true,
  }),
  inferentiaSupport: plainBoolean({ env: 'ECS_ENABLE_INF_SUPPORT', jsonKey: 'InferentiaSupportEnabled' }),
  ebsTaskAttach: plainBoolean({
    env: 'ECS_EBSTA_SUPPORTED',
    jsonKey: 'EBSTASupportEnabled',
    unsetMeans: true,
  }),
  awslogsExecutionRole: triState({
    env: 'ECS_ENABLE_AWSLOGS_EXECUTIONROLE_OVERRIDE',
    jsonKey: 'OverrideAWSLogsExecutionRole',
    whenUnset: false,
  }),
  fireLensAsync: triState({
    env: 'ECS_ENABLE_FIRELENS_ASYNC',
    jsonKey: 'FirelensAsyncEnabled',
    whenUnset: true,
  }),
  sharedVolumeMatchFullConfig: triState({
    env: 'ECS_SHARED_VOLUME_MATCH_FULL_CONFIG',
    jsonKey: 'SharedVolumeMatchFullConfig',
    whenUnset: false,
  }),
  gmsa: plainBoolean({ env: 'ECS_GMSA_SUPPORTED' }),
  credentialsFetcherHost: text({
    env: 'CREDENTIALS_FETCHER_HOST',
    fallback: 'unix:///var/credentials-fetcher/socket/credentials_fetcher.sock',
  }),
  domainlessGmsaSecretName: text({ env: 'CREDENTIALS_FETCHER_SECRET_NAME_FOR_DOMAINLESS_GMSA' }),
};
