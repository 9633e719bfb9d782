import { type Variable, variable } from './variable.ts';
import {
  atLeast,
  cgroupPeriodText,
  checkLogDrivers,
  checkpointText,
  fileSizeText,
  percent,
  pidsLimit,
  rateLimit,
  refuseBelow,
} from './variable-checks.ts';
import {
  choice,
  cidr,
  commaList,
  duration,
  integer,
  jsonList,
  jsonText,
  plainBoolean,
  portNumber,
  secret,
  strictJson,
  text,
  textMap,
  triState,
} from './variable-kinds.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'crit', 'none'] as const;
/** Least severe first; `none` shows nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Every setting that the agent takes, one row each (config.md §3): variable, key of the JSON file, default,
 * bounds. What depends on several settings or on the host follows in derive.ts.
 */
export const VARIABLES = {
  // §3.1 identity, endpoints, credentials
  /** Name or ARN; empty: `default`, which may have to be created. */
  cluster: text({ env: 'ECS_CLUSTER', jsonKey: 'Cluster', trim: true }),
  /** ECS API endpoint instead of the region's; empty: the region's. */
  backendHost: text({ env: 'ECS_BACKEND_HOST', jsonKey: 'APIEndpoint', trim: true }),
  region: text({ env: 'AWS_DEFAULT_REGION', jsonKey: 'AWSRegion', trim: true }),
  dockerEndpoint: text({
    env: 'DOCKER_HOST',
    jsonKey: 'DockerEndpoint',
    fallback: 'unix:///var/run/docker.sock',
  }),
  /** ECS Anywhere. Only the environment can say so: the file is read after it matters (CFG-12). */
  external: triState({ env: 'ECS_EXTERNAL', whenUnset: false }),
  /** Profile in the rotating credentials file. */
  alternateCredentialProfile: text({ env: 'ECS_ALTERNATE_CREDENTIAL_PROFILE', fallback: 'default' }),
  engineAuthType: text({ env: 'ECS_ENGINE_AUTH_TYPE', jsonKey: 'EngineAuthType', trim: true }),
  engineAuthData: secret({ env: 'ECS_ENGINE_AUTH_DATA', jsonKey: 'EngineAuthData' }),
  sslCertificateFile: text({ env: 'SSL_CERT_FILE' }),
  sslCertificateDirectory: text({ env: 'SSL_CERT_DIR' }),
  /** Register without the instance identity document. */
  noInstanceIdentity: plainBoolean({ jsonKey: 'NoIID' }),

  // §3.2 state, logging, metadata
  dataDirectory: text({ env: 'ECS_DATADIR', jsonKey: 'DataDir', fallback: '/data/' }),
  hostDataDirectory: text({ env: 'ECS_HOST_DATA_DIR', jsonKey: 'DataDirOnHost', fallback: '/var/lib/ecs' }),
  /** Keep state over restarts; off: a new container instance at each start. */
  checkpoint: variable<boolean>({
    env: 'ECS_CHECKPOINT',
    jsonKey: 'Checkpoint',
    fallback: false,
    fromEnvironment: checkpointText,
    fromJson: (value) => {
      if (typeof value !== 'boolean') throw new Error('must be true, false or null');
      return value;
    },
  }),
  /** Level of stdout. */
  logLevel: choice({ env: 'ECS_LOGLEVEL', values: LOG_LEVELS, fallback: 'info', ignoreCase: true }),
  /** Level of the log file; empty: derived. */
  logLevelOnInstance: choice({
    env: 'ECS_LOGLEVEL_ON_INSTANCE',
    values: [...LOG_LEVELS, 'off', ''],
    fallback: '',
    ignoreCase: true,
  }),
  /** Empty: no log file. */
  logFile: text({ env: 'ECS_LOGFILE' }),
  logRolloverType: text({ env: 'ECS_LOG_ROLLOVER_TYPE', fallback: 'size', trim: true }),
  logFormat: choice({
    env: 'ECS_LOG_OUTPUT_FORMAT',
    values: ['logfmt', 'json'],
    fallback: 'logfmt',
    ignoreCase: true,
  }),
  /** Megabytes of 1 000 000 bytes. */
  logMaxFileSizeMb: variable<number>({
    env: 'ECS_LOG_MAX_FILE_SIZE_MB',
    fallback: 5,
    fromEnvironment: fileSizeText,
  }),
  /** Rotated log files kept. */
  logMaxRollCount: integer({ env: 'ECS_LOG_MAX_ROLL_COUNT', fallback: 24, min: 0 }),
  /** Audit log of the credentials endpoint; the agent runs on the host, so a host path. */
  auditLogFile: text({
    env: 'ECS_AUDIT_LOGFILE',
    jsonKey: 'CredentialsAuditLogFile',
    fallback: '/var/log/ecs/audit.log',
  }),
  auditLogDisabled: plainBoolean({
    env: 'ECS_AUDIT_LOGFILE_DISABLED',
    jsonKey: 'CredentialsAuditLogDisabled',
  }),
  containerMetadataFiles: triState({
    env: 'ECS_ENABLE_CONTAINER_METADATA',
    jsonKey: 'ContainerMetadataEnabled',
    whenUnset: false,
  }),
  runtimeStats: triState({
    env: 'ECS_ENABLE_RUNTIME_STATS',
    jsonKey: 'EnableRuntimeStats',
    whenUnset: false,
  }),
  /** Agent metrics on port 51680, which becomes reserved. */
  prometheusMetrics: plainBoolean({ env: 'ECS_ENABLE_PROMETHEUS_METRICS' }),
  /** Introspection also answers callers from other hosts. */
  introspectionOffHost: plainBoolean({ env: 'ECS_ALLOW_OFFHOST_INTROSPECTION_ACCESS' }),
  /** Requests a second of the task metadata server. */
  taskMetadataSteadyRate: rateLimit('TaskMetadataSteadyStateRate', 0),
  taskMetadataBurstRate: rateLimit('TaskMetadataBurstRate', 1),
  taskMetadataAzDisabled: plainBoolean({
    env: 'ECS_DISABLE_TASK_METADATA_AZ',
    jsonKey: 'TaskMetadataAZDisabled',
  }),
  healthcheckHost: text({ env: 'ECS_AGENT_HEALTHCHECK_HOST', fallback: 'localhost' }),
  /** `<ID>_<VERSION_ID>` of the system, e.g. `amzn_2023`. */
  detailedOsFamily: text({ env: 'ECS_DETAILED_OS_FAMILY', fallback: 'LINUX' }),

  // §3.3 scheduling resources and instance registration
  /** TCP host ports that tasks cannot have. */
  reservedPorts: jsonList({
    env: 'ECS_RESERVED_PORTS',
    jsonKey: 'ReservedPorts',
    fallback: [22, 2375, 2376, 51_678, 51_679],
    item: portNumber,
  }),
  reservedPortsUdp: jsonList({
    env: 'ECS_RESERVED_PORTS_UDP',
    jsonKey: 'ReservedPortsUDP',
    fallback: [],
    item: portNumber,
  }),
  reservedMemoryMiB: integer({
    env: 'ECS_RESERVED_MEMORY',
    jsonKey: 'ReservedMemory',
    fallback: 0,
    min: 0,
    max: 65_535,
  }),
  instanceAttributes: strictJson<Readonly<Record<string, string>>>({
    env: 'ECS_INSTANCE_ATTRIBUTES',
    jsonKey: 'InstanceAttributes',
    fallback: {},
    read: textMap,
  }),
  containerInstanceTags: strictJson<Readonly<Record<string, string>>>({
    env: 'ECS_CONTAINER_INSTANCE_TAGS',
    jsonKey: 'ContainerInstanceTags',
    fallback: {},
    read: textMap,
  }),
  propagateTagsFrom: choice({
    env: 'ECS_CONTAINER_INSTANCE_PROPAGATE_TAGS_FROM',
    jsonKey: 'ContainerInstancePropagateTagsFrom',
    values: ['none', 'ec2_instance'],
    fallback: 'none',
    jsonNumbers: true,
  }),
  spotInstanceDraining: triState({
    env: 'ECS_ENABLE_SPOT_INSTANCE_DRAINING',
    jsonKey: 'SpotInstanceDrainingEnabled',
    whenUnset: false,
  }),
  warmPoolsCheck: triState({
    env: 'ECS_WARM_POOLS_CHECK',
    jsonKey: 'WarmPoolsSupport',
    whenUnset: false,
  }),
  availableLoggingDrivers: jsonList({
    env: 'ECS_AVAILABLE_LOGGING_DRIVERS',
    jsonKey: 'AvailableLoggingDrivers',
    fallback: ['json-file', 'none'],
    item: jsonText,
    check: checkLogDrivers,
  }),
  privilegedDisabled: triState({
    env: 'ECS_DISABLE_PRIVILEGED',
    jsonKey: 'PrivilegedDisabled',
    whenUnset: false,
  }),
  selinuxCapable: triState({ env: 'ECS_SELINUX_CAPABLE', jsonKey: 'SELinuxCapable', whenUnset: false }),
  appArmorCapable: triState({ env: 'ECS_APPARMOR_CAPABLE', jsonKey: 'AppArmorCapable', whenUnset: false }),
  volumePluginCapabilities: jsonList({
    env: 'ECS_VOLUME_PLUGIN_CAPABILITIES',
    jsonKey: 'VolumePluginCapabilities',
    fallback: [],
    item: jsonText,
  }),
  /** `start-end`; read by derive.ts, a file cannot set it (config.md §2.3). */
  dynamicHostPortRange: text({ env: 'ECS_DYNAMIC_HOST_PORT_RANGE', trim: true }),
  ipCompatibility: choice({
    env: 'ECS_INSTANCE_IP_COMPATIBILITY',
    values: ['auto', 'ipv4', 'ipv6'],
    fallback: 'auto',
    ignoreCase: true,
  }),
  excludeIpv6PortBinding: triState({
    env: 'ECS_EXCLUDE_IPV6_PORTBINDING',
    jsonKey: 'ShouldExcludeIPv6PortBinding',
    whenUnset: undefined,
  }),

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
