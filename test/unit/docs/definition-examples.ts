/** One thing that a task definition may ask for, with a definition that asks for it. */
export interface Example {
  /** Path in the task definition, as users write it. */
  readonly parameter: string;
  /** Said in the page where the parameter alone does not tell. */
  readonly value?: string;
  readonly task?: Readonly<Record<string, unknown>>;
  readonly container?: Readonly<Record<string, unknown>>;
  readonly note?: string;
}

export interface Group {
  readonly title: string;
  readonly examples: readonly Example[];
}

const OTHER_CONTAINER = 'another container of the task';
const secret = [{ name: 'TOKEN', valueFrom: 'arn:aws:ssm:us-west-2:123456789012:parameter/token' }];

const TASK: readonly Example[] = [
  { parameter: 'family', note: 'revision included' },
  { parameter: 'containerDefinitions', note: 'see below' },
  ...(['host', 'none', 'bridge', 'awsvpc'] as const).map((networkMode) => ({
    parameter: 'networkMode',
    value: networkMode,
    task: { networkMode },
  })),
  { parameter: 'cpu', task: { cpu: '512' } },
  { parameter: 'memory', task: { memory: '1 GB' } },
  { parameter: 'taskRoleArn', task: { taskRoleArn: 'arn:aws:iam::123456789012:role/task' } },
  {
    parameter: 'executionRoleArn',
    task: { executionRoleArn: 'arn:aws:iam::123456789012:role/execution' },
    note: 'for secrets, environment files and registry logins',
  },
  ...(['host', 'task'] as const).map((pidMode) => ({
    parameter: 'pidMode',
    value: pidMode,
    task: { pidMode },
  })),
  ...(['host', 'task', 'none'] as const).map((ipcMode) => ({
    parameter: 'ipcMode',
    value: ipcMode,
    task: { ipcMode },
    ...(ipcMode === 'task' && {
      note: 'with one /dev/shm of 64 MiB; `sharedMemorySize` does not count then',
    }),
  })),
  {
    parameter: 'proxyConfiguration',
    task: { proxyConfiguration: { type: 'APPMESH', containerName: 'app', properties: [] } },
  },
  {
    parameter: 'enableFaultInjection',
    task: { enableFaultInjection: true },
    note: "in mode host; delays and losses need the kernel's netem",
  },
  {
    parameter: 'placementConstraints',
    task: { placementConstraints: [{ type: 'memberOf', expression: 'attribute:a == b' }] },
    note: 'a matter of ECS alone',
  },
  {
    parameter: 'requiresCompatibilities',
    task: { requiresCompatibilities: ['EC2'] },
    note: 'a matter of ECS alone',
  },
  {
    parameter: 'runtimePlatform',
    task: { runtimePlatform: { cpuArchitecture: 'X86_64', operatingSystemFamily: 'LINUX' } },
    note: 'a matter of ECS alone',
  },
];

const VOLUMES: readonly Example[] = [
  ['volumes[].host.sourcePath', { host: { sourcePath: '/srv' } }],
  ['volumes[].host, without sourcePath', { host: {} }],
  ['volumes[].dockerVolumeConfiguration', { dockerVolumeConfiguration: { scope: 'task' } }],
  [
    'volumes[].dockerVolumeConfiguration, another driver than local',
    { dockerVolumeConfiguration: { scope: 'shared', driver: 'rexray' } },
  ],
  ['volumes[].efsVolumeConfiguration', { efsVolumeConfiguration: { fileSystemId: 'fs-1' } }],
  [
    'volumes[].fsxWindowsFileServerVolumeConfiguration',
    {
      fsxWindowsFileServerVolumeConfiguration: {
        fileSystemId: 'fs-1',
        rootDirectory: 'a',
        authorizationConfig: { credentialsParameter: 'arn:aws:ssm:::parameter/c', domain: 'd' },
      },
    },
  ],
].map(([parameter, volume]) => ({
  parameter: String(parameter),
  task: { volumes: [{ name: 'data', ...Object(volume) }] },
}));

const CONTAINER: readonly Example[] = [
  { parameter: 'name' },
  {
    parameter: 'image',
    note: 'by tag or digest, from registries without a login or in ECS_ENGINE_AUTH_DATA',
  },
  {
    parameter: 'repositoryCredentials',
    container: {
      repositoryCredentials: {
        credentialsParameter: 'arn:aws:secretsmanager:us-west-2:123456789012:secret:s',
      },
    },
  },
  {
    parameter: 'image',
    value: 'in Amazon ECR',
    container: { image: '123456789012.dkr.ecr.us-west-2.amazonaws.com/app:1' },
  },
  { parameter: 'essential', container: { essential: true } },
  { parameter: 'cpu', container: { cpu: 256 }, note: 'shares, as with the Amazon ECS agent' },
  { parameter: 'memory', container: { memory: 128 } },
  { parameter: 'memoryReservation', container: { memoryReservation: 64 } },
  { parameter: 'entryPoint', container: { entryPoint: ['/init'] } },
  { parameter: 'command', container: { command: ['true'] } },
  { parameter: 'workingDirectory', container: { workingDirectory: '/tmp' } },
  { parameter: 'user', container: { user: '1000:1000' } },
  { parameter: 'environment', container: { environment: [{ name: 'A', value: 'b' }] } },
  {
    parameter: 'environmentFiles',
    container: { environmentFiles: [{ type: 's3', value: 'arn:aws:s3:::b/k' }] },
    note: 'kept in memory; like all variables they stand in the container record of the runtime',
  },
  {
    parameter: 'secrets',
    container: { secrets: secret },
    note: 'of SSM Parameter Store and Secrets Manager; kept like environment files',
  },
  {
    parameter: 'logConfiguration.secretOptions',
    container: { logConfiguration: { logDriver: 'json-file', secretOptions: secret } },
    note: 'in memory only: docs/adr/0009-log-secrets.md',
  },
  { parameter: 'hostname', container: { hostname: 'web' } },
  { parameter: 'dnsServers', container: { dnsServers: ['10.0.0.2'] } },
  { parameter: 'dnsSearchDomains', container: { dnsSearchDomains: ['example.com'] } },
  { parameter: 'extraHosts', container: { extraHosts: [{ hostname: 'a', ipAddress: '10.0.0.3' }] } },
  { parameter: 'disableNetworking', container: { disableNetworking: true } },
  {
    parameter: 'links',
    value: 'in bridge mode',
    task: { networkMode: 'bridge' },
    container: { links: ['other:db'] },
  },
  {
    parameter: 'portMappings',
    value: 'in host mode',
    task: { networkMode: 'host' },
    container: { portMappings: [{ containerPort: 80 }] },
  },
  {
    parameter: 'portMappings',
    value: 'in bridge mode',
    task: { networkMode: 'bridge' },
    container: { portMappings: [{ containerPort: 80 }] },
  },
  ...(['START', 'COMPLETE', 'SUCCESS', 'HEALTHY'] as const).map((condition) => ({
    parameter: 'dependsOn',
    value: condition,
    container: { dependsOn: [{ containerName: 'other', condition }] },
  })),
  { parameter: 'startTimeout', container: { startTimeout: 30 } },
  { parameter: 'stopTimeout', container: { stopTimeout: 30 } },
  { parameter: 'healthCheck', container: { healthCheck: { command: ['CMD-SHELL', 'true'] } } },
  {
    parameter: 'healthCheck',
    value: 'with a command that starts with neither CMD, CMD-SHELL nor NONE',
    container: { healthCheck: { command: ['WHAT', 'true'] } },
  },
  { parameter: 'restartPolicy', container: { restartPolicy: { enabled: true } } },
  {
    parameter: 'mountPoints',
    container: { mountPoints: [{ sourceVolume: 'data', containerPath: '/data' }] },
  },
  {
    parameter: 'volumesFrom',
    value: OTHER_CONTAINER,
    container: { volumesFrom: [{ sourceContainer: 'other' }] },
  },
  { parameter: 'readonlyRootFilesystem', container: { readonlyRootFilesystem: true } },
  { parameter: 'privileged', container: { privileged: true } },
  { parameter: 'ulimits', container: { ulimits: [{ name: 'nofile', softLimit: 1024, hardLimit: 2048 }] } },
  {
    parameter: 'systemControls',
    container: { systemControls: [{ namespace: 'kernel.msgmax', value: '9000' }] },
  },
  { parameter: 'dockerLabels', container: { dockerLabels: { a: 'b' } } },
  {
    parameter: 'dockerSecurityOptions',
    value: 'no-new-privileges, apparmor, label',
    container: { dockerSecurityOptions: ['no-new-privileges', 'label:disable', 'apparmor:unconfined'] },
    note: 'AppArmor where the host has it; SELinux labels are handed to the OCI runtime, untried on a host with SELinux',
  },
  {
    parameter: 'dockerSecurityOptions',
    value: 'credentialspec',
    container: { dockerSecurityOptions: ['credentialspec:file://gmsa.json'] },
  },
  { parameter: 'interactive', container: { interactive: true } },
  { parameter: 'pseudoTerminal', container: { pseudoTerminal: true } },
  {
    parameter: 'resourceRequirements',
    value: 'GPU',
    container: { resourceRequirements: [{ type: 'GPU', value: '1' }] },
    note: 'NVIDIA, with ECS_ENABLE_GPU_SUPPORT: docs/install.md; untried on a host with GPUs',
  },
  { parameter: 'firelensConfiguration', container: { firelensConfiguration: { type: 'fluentbit' } } },
  { parameter: 'credentialSpecs', container: { credentialSpecs: ['credentialspec:s'] } },
];

const linux = (parameter: string, parameters: Readonly<Record<string, unknown>>): Example => ({
  parameter: `linuxParameters.${parameter}`,
  container: { linuxParameters: parameters },
});

const LINUX: readonly Example[] = [
  linux('capabilities', { capabilities: { add: ['NET_ADMIN'], drop: ['MKNOD'] } }),
  linux('devices', { devices: [{ hostPath: '/dev/fuse' }] }),
  linux('initProcessEnabled', { initProcessEnabled: true }),
  linux('sharedMemorySize', { sharedMemorySize: 64 }),
  linux('tmpfs', { tmpfs: [{ containerPath: '/t', size: 8 }] }),
  linux('maxSwap', { maxSwap: 64 }),
  linux('swappiness', { maxSwap: 64, swappiness: 10 }),
];

export const GROUPS: readonly Group[] = [
  { title: 'Task', examples: TASK },
  { title: 'Volumes', examples: VOLUMES },
  { title: 'Container definition', examples: CONTAINER },
  { title: 'Linux parameters', examples: LINUX },
];

/**
 * Fields of a payload that are refused and that no good task definition leads to by itself: they come from the run,
 * the service or the account.
 */
export const RUN_ONLY: Readonly<Record<string, string>> = {
  associations: 'Elastic Inference: [adr/0001](adr/0001-no-elastic-inference.md)',
  dependsOn: 'a condition other than the above',
  attachments: 'volumes configured at launch (EBS), Service Connect',
  networkMode: 'modes that are none of the four',
  pidMode: 'modes that are none of the above',
  ipcMode: 'modes that are none of the above',
  elasticNetworkInterfaces: 'more than one ENI for a task',
  managedAgents: 'ECS Exec (`enableExecuteCommand` of the run or service)',
  secrets:
    'stores other than SSM Parameter Store and Secrets Manager, and uses other than variables and log options',
};
