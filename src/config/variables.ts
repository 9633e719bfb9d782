import { INSTANCE_VARIABLES } from './instance-variables.ts';
import { TASK_VARIABLES } from './task-variables.ts';
import type { Variable } from './variable.ts';
import { percent } from './variable-checks.ts';
import { choice, duration, integer, text, triState } from './variable-kinds.ts';

const SECOND = 1_000;

/**
 * Every setting that the agent takes, one row each (config.md §3): variable, key of the JSON file, default,
 * bounds. What depends on several settings or on the host follows in derive.ts.
 */
export const VARIABLES = {
  ...INSTANCE_VARIABLES,
  ...TASK_VARIABLES,
  // §3.7 telemetry
  metricsDisabled: triState({
    env: 'ECS_DISABLE_METRICS',
    jsonKey: 'DisableMetrics',
    whenUnset: false,
  }),
  pollMetrics: triState({ env: 'ECS_POLL_METRICS', jsonKey: 'PollMetrics', whenUnset: false }),
  pollingMetricsWaitMs: duration({
    env: 'ECS_POLLING_METRICS_WAIT_DURATION',
    jsonKey: 'PollingMetricsWaitDuration',
    fallback: 10 * SECOND,
  }),
  healthCheckDisabled: triState({
    env: 'ECS_DISABLE_DOCKER_HEALTH_CHECK',
    jsonKey: 'DisableDockerHealthCheck',
    whenUnset: false,
  }),

  // §3.8 updates
  updatesEnabled: triState({
    env: 'ECS_UPDATES_ENABLED',
    jsonKey: 'UpdatesEnabled',
    whenUnset: false,
  }),

  // This agent's own
  runtime: choice({
    env: 'ECS_RUNTIME',
    values: ['containerd', 'docker'],
    fallback: 'containerd',
    strict: true,
  }),
  containerdAddress: text({ env: 'ECS_CONTAINERD_ADDRESS', fallback: '/run/containerd/containerd.sock' }),
  /** The agent owns this containerd namespace alone; names on the host derive from it. */
  containerdNamespace: text({ env: 'ECS_CONTAINERD_NAMESPACE', fallback: 'ecs', trim: true }),
  containerdSnapshotter: text({ env: 'ECS_CONTAINERD_SNAPSHOTTER', fallback: 'overlayfs', trim: true }),
  containerdRuntime: text({
    env: 'ECS_CONTAINERD_RUNTIME',
    fallback: 'io.containerd.runc.v2',
    trim: true,
  }),
  /** Name or path of the OCI runtime that the shim calls; empty: the shim's own. */
  ociRuntime: text({ env: 'ECS_OCI_RUNTIME', trim: true }),
  /** Where the Amazon ECS agent's ecs-init tells which GPUs there are (resources.md §11.1). */
  gpuInfoFile: text({
    env: 'ECS_GPU_INFO_FILE',
    fallback: '/var/lib/ecs/gpu/nvidia-gpu-info.json',
    trim: true,
  }),
  cgroupDriver: choice({
    env: 'ECS_CGROUP_DRIVER',
    values: ['auto', 'cgroupfs', 'systemd'],
    fallback: 'auto',
    strict: true,
  }),
  /** Percent of a disk with images in use above which unused ones go; 100: never. */
  imageDiskHighWatermark: integer({
    env: 'ECS_IMAGE_DISK_HIGH_WATERMARK',
    fallback: 85,
    check: percent(85),
  }),
  /** Percent of it in use below which no more of them go. */
  imageDiskLowWatermark: integer({ env: 'ECS_IMAGE_DISK_LOW_WATERMARK', fallback: 75, check: percent(75) }),
  /** Sockets, locks and FIFOs; empty: derived from the namespace. */
  runDirectory: text({ env: 'ECS_RUN_DIR', trim: true }),
};

/** Values of all rows; a doc comment of a row shows on its member. */
export type VariableValues = {
  readonly [K in keyof typeof VARIABLES]: (typeof VARIABLES)[K] extends Variable<infer T> ? T : never;
};

/** Variables of the Amazon ECS agent that have no effect here: said once when set (config.md §3, A and W). */
export const IGNORED_VARIABLES: readonly string[] = [
  'ECS_LOG_DRIVER',
  'ECS_LOG_OPTS',
  'ECS_UPDATE_DOWNLOAD_DIR',
  'ECS_FSX_WINDOWS_FILE_SERVER_SUPPORTED',
  'ECS_ENABLE_CPU_UNBOUNDED_WINDOWS_WORKAROUND',
  'ECS_ENABLE_MEMORY_UNBOUNDED_WINDOWS_WORKAROUND',
  'CREDENTIALS_FETCHER_HOST_DIR',
  'ECS_DOMAIN_JOINED_LINUX_INSTANCE',
  'ZZZ_SKIP_DOMAIN_JOIN_CHECK_NOT_SUPPORTED_IN_PRODUCTION',
  'ZZZ_SKIP_DOMAIN_LESS_CHECK_NOT_SUPPORTED_IN_PRODUCTION',
  'ZZZ_SKIP_CREDENTIALS_FETCHER_INVOCATION_CHECK_NOT_SUPPORTED_IN_PRODUCTION',
  'ZZZ_SKIP_WINDOWS_SERVER_VERSION_CHECK_NOT_SUPPORTED_IN_PRODUCTION',
  'ZZZ_I_KNOW_SETTING_TEST_VALUES_IN_PRODUCTION_IS_NOT_SUPPORTED',
];
