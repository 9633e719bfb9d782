import { variable } from './variable.ts';
import { checkLogDrivers, checkpointText, fileSizeText, rateLimit } from './variable-checks.ts';
import {
  choice,
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

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'crit', 'none'] as const;
/** Least severe first; `none` shows nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Settings of the instance: who it is, what it keeps and tells, what it has to give (config.md §3.1 to §3.3). */
export const INSTANCE_VARIABLES = {
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
};
