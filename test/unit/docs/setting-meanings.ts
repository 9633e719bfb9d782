import type { VARIABLES } from '../../../src/config/variables.ts';
import type { ImplementedFeatures } from '../../../src/ecs/implemented-features.ts';

export type SettingName = keyof typeof VARIABLES;

/** What docs/configuration.md says of a setting beside what variables.ts says. */
export interface Meaning {
  readonly means: string;
  /** Instead of the value that nothing set gives. */
  readonly fallback?: string;
  /** Its name in the configuration where derive.ts makes another one of it. */
  readonly as?: string;
  /** Has no effect before this works. */
  readonly feature?: keyof ImplementedFeatures;
}

export interface Section {
  readonly title: string;
  readonly settings: Partial<Readonly<Record<SettingName, Meaning>>>;
}

export const SECTIONS: readonly Section[] = [
  {
    title: 'Identity, endpoints, credentials',
    settings: {
      cluster: { means: 'cluster to join, name or ARN', fallback: '`default`, made if it is not there' },
      backendHost: {
        means: 'ECS API to use: host or URL; plain http only towards loopback',
        fallback: "the region's",
      },
      region: { means: 'AWS region', fallback: 'from instance metadata; required' },
      dockerEndpoint: { means: 'socket of Docker, with `ECS_RUNTIME=docker`' },
      external: { means: 'ECS Anywhere: no instance metadata; environment only' },
      alternateCredentialProfile: { means: 'profile in the rotating credentials file' },
      engineAuthType: { means: 'form of ECS_ENGINE_AUTH_DATA: `docker` or `dockercfg`' },
      engineAuthData: { means: 'registry logins, JSON; never shown', fallback: 'none' },
      sslCertificateFile: { means: 'certificate authorities in place of the built-in ones' },
      sslCertificateDirectory: { means: 'a directory of such files' },
      noInstanceIdentity: { means: 'register without the instance identity document' },
    },
  },
  {
    title: 'State, logs, metadata',
    settings: {
      dataDirectory: { means: 'state database and logs; one agent a directory' },
      hostDataDirectory: { means: 'taken for compatibility: the agent runs on the host' },
      checkpoint: { means: 'keep state over restarts', fallback: 'on if ECS_DATADIR is set' },
      logLevel: { means: 'level of stdout: debug, info, warn, error, crit, none' },
      logLevelOnInstance: { means: 'level of the log file, or `off`', fallback: 'as ECS_LOGLEVEL' },
      logFile: { means: 'log file', fallback: 'none' },
      logRolloverType: { means: 'rotation: `size`, `hourly` or `none`', as: 'logRollover' },
      logFormat: { means: '`logfmt` or `json`' },
      logMaxFileSizeMb: { means: 'size at which the log file is rotated, in MB' },
      logMaxRollCount: { means: 'rotated log files kept' },
      auditLogFile: { means: 'audit log of the credentials endpoint' },
      auditLogDisabled: { means: 'no audit log' },
      containerMetadataFiles: { means: 'a metadata file in each container' },
      runtimeStats: { means: 'statistics of the agent process' },
      introspectionOffHost: { means: 'introspection on 51678 also for callers from other hosts' },
      prometheusMetrics: { means: 'metrics of the agent on port 51680, which is then reserved' },
      taskMetadataSteadyRate: {
        means: 'requests a second of the task metadata endpoint: `40,60` (steady, burst)',
        fallback: '40',
      },
      taskMetadataBurstRate: { means: 'the second number of it', fallback: '60' },
      taskMetadataAzDisabled: { means: 'no availability zone in task metadata' },
      healthcheckHost: { means: 'host that `--healthcheck` asks', as: 'ECS_AGENT_HEALTHCHECK_HOST' },
      detailedOsFamily: {
        means: 'system named at registration',
        fallback: 'from /etc/os-release where installed, else LINUX',
      },
    },
  },
  {
    title: 'Resources and registration',
    settings: {
      reservedPorts: { means: 'TCP ports that tasks cannot have' },
      reservedPortsUdp: { means: 'UDP ports that tasks cannot have' },
      reservedMemoryMiB: { means: 'MiB kept from tasks' },
      instanceAttributes: { means: 'custom attributes, JSON; at the first registration' },
      containerInstanceTags: { means: 'tags of the container instance, JSON' },
      propagateTagsFrom: { means: '`ec2_instance`: also the tags of the instance' },
      spotInstanceDraining: { means: 'drain when a spot interruption is announced' },
      warmPoolsCheck: { means: 'wait in a warm pool before registering' },
      availableLoggingDrivers: { means: 'log drivers claimed, as far as the agent has them' },
      privilegedDisabled: { means: 'do not claim privileged containers', feature: 'privilegedContainers' },
      selinuxCapable: { means: 'claim SELinux', feature: 'selinux' },
      appArmorCapable: { means: 'claim AppArmor', feature: 'appArmor' },
      volumePluginCapabilities: { means: 'capabilities of the volume plugin' },
      dynamicHostPortRange: {
        means: 'host ports for dynamic mappings, `first-last`',
        fallback: "the kernel's local ports",
      },
      ipCompatibility: {
        means: 'addresses of the instance: `ipv4`, `ipv6`',
        fallback: 'from its default routes',
      },
      excludeIpv6PortBinding: {
        means: 'report no IPv6 port bindings',
        fallback: 'on, but for IPv6-only hosts',
      },
    },
  },
  {
    title: 'Timeouts and pulls',
    settings: {
      containerStopTimeoutMs: { means: 'from the stop signal to SIGKILL, without a stopTimeout' },
      containerStartTimeoutMs: { means: 'for the start of a container' },
      containerCreateTimeoutMs: { means: 'for its creation' },
      manifestPullTimeoutMs: { means: "for the look-up of an image's digest" },
      imagePullTimeoutMs: { means: 'for a whole pull' },
      imagePullInactivityTimeoutMs: { means: 'for a pull without progress' },
      imagePullBehavior: { means: '`default`, `always`, `once` or `prefer-cached`' },
      pullDependentContainersUpfront: { means: 'pull before dependencies are met' },
    },
  },
  {
    title: 'Clean-up',
    settings: {
      taskCleanupWaitMs: { means: 'from the end of a task to the removal of its containers' },
      taskCleanupWaitJitterMs: { means: 'a random addition, at most this' },
      imageCleanupDisabled: { means: 'keep all images' },
      imageCleanupIntervalMs: { means: 'between two rounds' },
      imageMinimumAgeMs: { means: 'age below which an image is kept' },
      untrackedImageMinimumAgeMs: { means: 'the same for images that no task brought' },
      imagesDeletedPerCycle: { means: 'images removed a round' },
      untrackedContainersDeletedPerCycle: { means: 'containers of others removed a round' },
      untrackedImageCleanup: { means: "remove these too, within the agent's own containerd namespace" },
      imageCleanupExclusions: { means: 'images never removed, comma-separated' },
    },
  },
  {
    title: 'Task features',
    settings: {
      taskIamRole: { means: 'task roles', feature: 'taskRoles' },
      taskIamRoleNetworkHost: { means: 'task roles in host network mode', feature: 'taskRolesNetworkHost' },
      taskEni: { means: '`awsvpc` mode', feature: 'taskEni' },
      eniTrunking: { means: 'ENI trunking', feature: 'eniTrunking' },
      cniPluginsPath: {
        means: 'CNI plugins; /opt/cni/bin and /usr/lib/cni are searched after it',
        as: 'cniPluginDirectories',
      },
      awsvpcBlockImds: { means: 'no instance metadata for `awsvpc` tasks', feature: 'taskEni' },
      awsvpcAdditionalLocalRoutes: { means: 'address prefixes that `awsvpc` tasks reach through the host' },
      pauseLabels: { means: 'extra labels of sandbox containers' },
      eniPauseContainerCleanupDelaySec: { means: 'wait before the network of a task goes' },
      taskCpuMemLimit: {
        means: 'task cgroups: true requires, false switches off',
        fallback: 'where the host has them',
      },
      cgroupPath: { means: 'where cgroups are mounted' },
      cgroupCpuPeriodMs: { means: 'CFS period of task cgroups, 8 to 100 ms' },
      taskPidsLimit: { means: 'processes a task may have', fallback: 'no limit' },
      propagateTaskMemoryLimit: { means: 'the memory limit of the task for its containers (cgroup v2)' },
      gpuSupport: { means: 'NVIDIA GPUs for tasks: [install.md](install.md#gpus)', feature: 'gpu' },
      nvidiaRuntime: {
        means:
          'OCI runtime of GPU containers: name or path; with containerd `nvidia` is `nvidia-container-runtime`',
        feature: 'gpu',
      },
      inferentiaSupport: { means: 'Inferentia devices' },
      ebsTaskAttach: { means: 'EBS volumes of tasks', feature: 'ebsVolumes' },
      awslogsExecutionRole: { means: 'execution role for `awslogs`', feature: 'awslogsExecutionRole' },
      fireLensAsync: { means: 'FireLens without blocking' },
      sharedVolumeMatchFullConfig: { means: 'compare shared volumes by options and labels too' },
      gmsa: { means: 'gMSA credentials' },
      credentialsFetcherHost: { means: 'socket of the credentials fetcher' },
      domainlessGmsaSecretName: { means: 'secret for domainless gMSA' },
    },
  },
  {
    title: 'Telemetry and updates',
    settings: {
      metricsDisabled: { means: 'no utilisation figures' },
      pollMetrics: { means: 'poll in place of sampling every second' },
      pollingMetricsWaitMs: { means: 'poll period, 5 to 20 s' },
      healthCheckDisabled: { means: 'do not claim container health checks' },
      updatesEnabled: { means: 'accept self-updates' },
    },
  },
  {
    title: "This agent's own",
    settings: {
      runtime: { means: 'what runs containers: `containerd` or `docker`' },
      containerdAddress: { means: 'socket of containerd' },
      containerdNamespace: {
        means: 'containerd namespace, which the agent owns alone; names on the host derive from it',
      },
      containerdSnapshotter: {
        means: 'snapshotter of images and containers; `soci`: [lazy pulling](images.md#lazy-pulling)',
      },
      imageDiskHighWatermark: {
        means: 'percent of a disk with images in use above which unused images go, oldest first; 100: never',
      },
      imageDiskLowWatermark: { means: 'percent in use down to which they go' },
      containerdRuntime: { means: 'containerd runtime (shim)' },
      ociRuntime: { means: 'OCI runtime that the shim calls, name or path', fallback: "the shim's" },
      gpuInfoFile: { means: 'file that tells which GPUs there are', feature: 'gpu' },
      cgroupDriver: { means: '`cgroupfs`, `systemd`, or `auto`: systemd where it runs on cgroup v2' },
      runDirectory: {
        means: 'sockets, locks, FIFOs; one agent a directory',
        fallback: '`/run/ecs-containerd-agent`, `-<namespace>` added unless it is `ecs`',
      },
    },
  },
];

/** Read outside of variables.ts. */
export const OTHERS: readonly (readonly [name: string, own: boolean, means: string])[] = [
  [
    'ECS_AGENT_CONFIG_FILE_PATH',
    false,
    'JSON file; `/etc/ecs_container_agent/config.json`, where installed `/etc/ecs/ecs.config.json`',
  ],
  [
    'ECS_IGNORE_CONFIG_FILES',
    true,
    '`true`: only the process environment counts, no file under /etc/ecs and /var/lib/ecs',
  ],
  [
    'HTTP_PROXY, HTTPS_PROXY, NO_PROXY',
    false,
    'proxies; the metadata services and the runtime socket never go through one',
  ],
  ['AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN', false, 'credentials'],
  ['AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE, AWS_PROFILE', false, 'credentials of a profile'],
  [
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, AWS_CONTAINER_CREDENTIALS_FULL_URI',
    false,
    'credentials of a container endpoint',
  ],
  [
    'AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT',
    false,
    'instance metadata: not at all, or elsewhere',
  ],
];
