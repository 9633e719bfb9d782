import { describe, expect, test } from 'vitest';
import { taskPayload } from '../../../../src/control-plane/payload/task-payload.ts';
import type { TaskRecord } from '../../../../src/control-plane/state/records.ts';
import { payloadTaskSchema } from '../../../../src/wire/acs-payload.ts';
import type { TaskOverride } from '../../../../src/wire/task-definition.ts';
import { definition, definitionRecord, overrides, SCOPE, taskRecord } from '../records.ts';

const CREDENTIALS = {
  credentialsId: 'c1',
  roleArn: 'arn:aws:iam::123456789012:role/r',
  accessKeyId: 'ASIA1',
  secretAccessKey: 's',
  sessionToken: 't',
  expiresAt: Date.parse('2026-01-01T06:00:00Z'),
};

interface Case {
  readonly task?: Record<string, unknown>;
  readonly container?: Record<string, unknown>;
  readonly overrides?: TaskOverride;
  readonly record?: Partial<TaskRecord>;
}

/** The task as an agent reads it off the wire. */
function translate(given: Case) {
  const taskDefinition = definition(given.task, given.container);
  const task = taskRecord(taskDefinition, { overrides: given.overrides ?? {}, ...given.record });
  const wire = JSON.stringify(taskPayload(task, definitionRecord(taskDefinition), SCOPE));
  return payloadTaskSchema.parse(JSON.parse(wire));
}

function container(given: Record<string, unknown>, rest: Omit<Case, 'container'> = {}) {
  const first = translate({ ...rest, container: given }).containers?.[0];
  if (first === undefined) throw new Error('the payload has no container');
  return first;
}

const config = (given: Record<string, unknown>, rest?: Omit<Case, 'container'>) =>
  JSON.parse(container(given, rest).dockerConfig?.config ?? '');
const hostConfig = (given: Record<string, unknown>, rest?: Omit<Case, 'container'>) =>
  JSON.parse(container(given, rest).dockerConfig?.hostConfig ?? '');

describe('task level (ecs-api.md §D2.1)', () => {
  test('a small task is exactly this', () => {
    expect(translate({ container: { command: ['sleep', '1'] } })).toEqual({
      arn: 'arn:aws:ecs:us-west-2:123456789012:task/default/0123456789abcdef0123456789abcdef',
      taskClusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/default',
      family: 'web',
      version: '7',
      desiredStatus: 'RUNNING',
      networkMode: 'bridge',
      taskDefinitionAccountId: '123456789012',
      launchType: 'EC2',
      group: 'family:web',
      overrides: '{}',
      containers: [
        {
          name: 'app',
          image: 'busybox',
          essential: true,
          cpu: 0,
          memory: 64,
          command: ['sleep', '1'],
          overrides: '{}',
          environment: { AWS_EXECUTION_ENV: 'AWS_ECS_EC2' },
          portMappings: [],
          mountPoints: [],
          volumesFrom: [],
          dockerConfig: { version: '1.24', config: '{}', hostConfig: '{"CapAdd":[],"CapDrop":[]}' },
          containerArn:
            'arn:aws:ecs:us-west-2:123456789012:container/default/0123456789abcdef0123456789abcdef/app',
        },
      ],
      volumes: [],
      associations: [],
      elasticNetworkInterfaces: [],
    });
  });

  test('the revision is a string (CP-14)', () => {
    expect(translate({}).version).toBe('7');
  });

  test.each([
    ['512', 0.5],
    ['1 vCPU', 1],
    ['.25 vcpu', 0.25],
    ['2048', 2],
  ])('cpu %s is %d vCPU (CP-13)', (cpu, expected) => {
    expect(translate({ task: { cpu } }).cpu).toBe(expected);
  });

  test.each([
    ['512', 512],
    ['1 GB', 1024],
    ['0.5GB', 512],
  ])('memory %s is %d MiB (CP-27)', (memory, expected) => {
    expect(translate({ task: { memory } }).memory).toBe(expected);
  });

  test('cpu and memory are absent when unset', () => {
    expect(Object.keys(translate({}))).not.toEqual(expect.arrayContaining(['cpu']));
    expect(Object.keys(translate({}))).not.toEqual(expect.arrayContaining(['memory']));
  });

  test('cpu and memory of the run win', () => {
    const task = translate({
      task: { cpu: '512', memory: '512' },
      overrides: overrides({ cpu: '1024', memory: '1 GB' }),
    });
    expect([task.cpu, task.memory]).toEqual([1, 1024]);
  });

  test.each(['bridge', 'host', 'none', 'awsvpc'])('network mode %s is told twice', (networkMode) => {
    expect(translate({ task: { networkMode } }).networkMode).toBe(networkMode);
    expect(hostConfig({}, { task: { networkMode } }).NetworkMode).toBe(networkMode);
  });

  test('pidMode and ipcMode keep their names', () => {
    expect(translate({ task: { pidMode: 'task', ipcMode: 'host' } })).toMatchObject({
      pidMode: 'task',
      ipcMode: 'host',
    });
  });

  test('both roles come as credentials', () => {
    const task = translate({
      record: {
        roleCredentials: CREDENTIALS,
        executionRoleCredentials: { ...CREDENTIALS, credentialsId: 'c2' },
      },
    });
    expect(task.roleCredentials).toEqual({
      credentialsId: 'c1',
      roleArn: 'arn:aws:iam::123456789012:role/r',
      accessKeyId: 'ASIA1',
      secretAccessKey: 's',
      sessionToken: 't',
      expiration: '2026-01-01T06:00:00Z',
    });
    expect(task.executionRoleCredentials?.credentialsId).toBe('c2');
  });

  test('properties of a proxy become a map', () => {
    const proxyConfiguration = {
      containerName: 'app',
      properties: [{ name: 'ProxyEgressPort', value: '15001' }],
    };
    expect(translate({ task: { proxyConfiguration } }).proxyConfiguration).toEqual({
      type: 'APPMESH',
      containerName: 'app',
      properties: { ProxyEgressPort: '15001' },
    });
  });

  test('GPUs become associations', () => {
    const taskDefinition = definition();
    const record = taskRecord(taskDefinition);
    const task = translate({
      record: { containers: record.containers.map((one) => ({ ...one, gpuIds: ['GPU-1', 'GPU-2'] })) },
    });
    expect(task.associations).toEqual([
      { type: 'gpu', name: 'GPU-1', containers: ['app'], content: { encoding: 'base64', value: '' } },
      { type: 'gpu', name: 'GPU-2', containers: ['app'], content: { encoding: 'base64', value: '' } },
    ]);
  });

  test('a task to be stopped is the same object with the other status', () => {
    const running = translate({});
    expect(translate({ record: { desiredStatus: 'STOPPED' } })).toEqual({
      ...running,
      desiredStatus: 'STOPPED',
    });
  });

  test('fault injection and the launch type are passed on', () => {
    expect(
      translate({ task: { enableFaultInjection: true }, record: { launchType: 'EXTERNAL' } }),
    ).toMatchObject({ enableFaultInjection: true, launchType: 'EXTERNAL' });
  });
});

describe('container members (ecs-api.md §D2.2)', () => {
  const asis: [string, unknown][] = [
    ['links', ['db:database']],
    ['startTimeout', 30],
    ['stopTimeout', 5],
    ['credentialSpecs', ['credentialspec:x']],
    ['entryPoint', ['/bin/sh', '-c']],
    ['command', ['true']],
    ['environmentFiles', [{ value: 'arn:aws:s3:::b/k', type: 's3' }]],
    ['dependsOn', [{ containerName: 'db', condition: 'HEALTHY' }]],
    ['firelensConfiguration', { type: 'fluentbit', options: { 'enable-ecs-log-metadata': 'true' } }],
    ['essential', false],
    ['cpu', 256],
    ['memory', 128],
  ];
  test.each(asis)('%s keeps its name', (name, value) => {
    expect(container({ [name]: value })).toMatchObject({ [name]: value });
  });

  test('the environment becomes one map, the overrides in it (CP-07)', () => {
    const given = { environment: [{ name: 'A', value: '1' }] };
    const run = { containerOverrides: [{ name: 'app', environment: [{ name: 'B', value: '2' }] }] };
    expect(container(given, { overrides: overrides(run) }).environment).toEqual({
      AWS_EXECUTION_ENV: 'AWS_ECS_EC2',
      A: '1',
      B: '2',
    });
  });

  test('an override of the environment wins (CP-26)', () => {
    const given = { environment: [{ name: 'A', value: '1' }] };
    const run = { containerOverrides: [{ name: 'app', environment: [{ name: 'A', value: '2' }] }] };
    expect(container(given, { overrides: overrides(run) }).environment).toMatchObject({ A: '2' });
  });

  test('AWS_EXECUTION_ENV is sent (CP-32)', () => {
    expect(container({}).environment).toEqual({ AWS_EXECUTION_ENV: 'AWS_ECS_EC2' });
  });

  test('a command override travels as text beside the command (CP-08)', () => {
    const run = { containerOverrides: [{ name: 'app', command: ['echo', 'a "b"'], cpu: 5 }] };
    const app = container({ command: ['true'] }, { overrides: overrides(run) });
    expect(app.command).toEqual(['true']);
    expect(JSON.parse(String(app.overrides))).toEqual({ command: ['echo', 'a "b"'] });
    expect(app.cpu).toBe(5);
  });

  test('memory is 0 with only a reservation', () => {
    const given = { memory: undefined, memoryReservation: 32 };
    expect(container(given).memory).toBe(0);
  });

  test.each<[string, object, object]>([
    ['bridge', { containerPort: 80 }, { containerPort: 80, hostPort: 0, protocol: 'tcp' }],
    [
      'bridge',
      { containerPort: 80, hostPort: 8080, protocol: 'udp', name: 'web', appProtocol: 'http' },
      { containerPort: 80, hostPort: 8080, protocol: 'udp' },
    ],
    ['bridge', { containerPortRange: '80-90' }, { containerPortRange: '80-90', protocol: 'tcp' }],
    ['host', { containerPort: 80 }, { containerPort: 80, hostPort: 80, protocol: 'tcp' }],
    ['awsvpc', { containerPort: 80 }, { containerPort: 80, hostPort: 80, protocol: 'tcp' }],
  ])('in mode %s the port %j is %j', (networkMode, given, expected) => {
    expect(container({ portMappings: [given] }, { task: { networkMode } }).portMappings).toEqual([expected]);
  });

  test('mounts are writable unless they say otherwise', () => {
    const app = container({
      mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }],
      volumesFrom: [{ sourceContainer: 'db', readOnly: true }],
    });
    expect(app.mountPoints).toEqual([{ sourceVolume: 'v', containerPath: '/v', readOnly: false }]);
    expect(app.volumesFrom).toEqual([{ sourceContainer: 'db', readOnly: true }]);
  });

  test('a health check is announced as the runtime’s (CP-11)', () => {
    expect(container({ healthCheck: { command: ['CMD', 'true'] } }).healthCheckType).toBe('docker');
    expect(container({}).healthCheckType).toBeUndefined();
  });

  test('a restart policy has a period of 300 s unless it says otherwise', () => {
    expect(container({ restartPolicy: { enabled: true, ignoredExitCodes: [3] } }).restartPolicy).toEqual({
      enabled: true,
      ignoredExitCodes: [3],
      restartAttemptPeriod: 300,
    });
    expect(
      container({ restartPolicy: { enabled: true, restartAttemptPeriod: 60 } }).restartPolicy,
    ).toMatchObject({ restartAttemptPeriod: 60 });
  });

  test('registry credentials name their secret and its region', () => {
    const credentialsParameter = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x';
    expect(container({ repositoryCredentials: { credentialsParameter } }).registryAuthentication).toEqual({
      type: 'asm',
      asmAuthData: { credentialsParameter, region: 'eu-west-1' },
    });
  });

  test.each([false, true])('an ECR image is marked, execution role: %s', (useExecutionRole) => {
    const image = '111122223333.dkr.ecr.eu-west-1.amazonaws.com/app:1';
    const record = useExecutionRole ? { executionRoleCredentials: CREDENTIALS } : {};
    expect(container({ image }, { record }).registryAuthentication).toEqual({
      type: 'ecr',
      ecrAuthData: { registryId: '111122223333', region: 'eu-west-1', useExecutionRole },
    });
  });

  test('secrets say where they come from and where they go', () => {
    const asm = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x';
    const app = container({
      secrets: [
        { name: 'A', valueFrom: asm },
        { name: 'B', valueFrom: '/path/parameter' },
        { name: 'C', valueFrom: 'arn:aws:ssm:eu-central-1:123456789012:parameter/p' },
      ],
      logConfiguration: { logDriver: 'splunk', secretOptions: [{ name: 'splunk-token', valueFrom: asm }] },
    });
    const variable = { type: 'ENVIRONMENT_VARIABLE', target: 'CONTAINER' };
    expect(app.secrets).toEqual([
      { name: 'A', valueFrom: asm, region: 'eu-west-1', provider: 'asm', ...variable },
      { name: 'B', valueFrom: '/path/parameter', region: 'us-west-2', provider: 'ssm', ...variable },
      {
        name: 'C',
        valueFrom: 'arn:aws:ssm:eu-central-1:123456789012:parameter/p',
        region: 'eu-central-1',
        provider: 'ssm',
        ...variable,
      },
      {
        name: 'splunk-token',
        valueFrom: asm,
        region: 'eu-west-1',
        provider: 'asm',
        type: 'BOOTSTRAP',
        target: 'LOG_DRIVER',
      },
    ]);
  });

  test.each<[string, object, string | undefined]>([
    ['awslogs', { executionRoleCredentials: CREDENTIALS }, 'ExecutionRole'],
    ['awslogs', {}, undefined],
    ['syslog', { executionRoleCredentials: CREDENTIALS }, undefined],
  ])('the log driver %s with %j authenticates by %s', (logDriver, record, expected) => {
    expect(container({ logConfiguration: { logDriver } }, { record }).logsAuthStrategy).toBe(expected);
  });

  test('execute command adds its managed agent', () => {
    expect(container({}, { record: { enableExecuteCommand: true } }).managedAgents).toEqual([
      { name: 'ExecuteCommandAgent', properties: {} },
    ]);
  });
});

describe('dockerConfig.config (ecs-api.md §D2.3)', () => {
  test.each<[string, object, object]>([
    ['hostname', { hostname: 'h' }, { Hostname: 'h' }],
    ['user', { user: '1000:1000' }, { User: '1000:1000' }],
    ['workingDirectory', { workingDirectory: '/w' }, { WorkingDir: '/w' }],
    ['disableNetworking', { disableNetworking: true }, { NetworkDisabled: true }],
    ['dockerLabels', { dockerLabels: { a: 'b' } }, { Labels: { a: 'b' } }],
    ['interactive', { interactive: true }, { OpenStdin: true }],
    ['pseudoTerminal', { pseudoTerminal: true }, { Tty: true }],
  ])('%s', (_name, given, expected) => {
    expect(config({ ...given })).toEqual(expected);
  });

  test('a health check is in nanoseconds (CP-28)', () => {
    const command = ['CMD-SHELL', 'exit 0'];
    expect(
      config({ healthCheck: { command, interval: 10, timeout: 2, retries: 5, startPeriod: 1 } }),
    ).toEqual({
      Healthcheck: { Test: command, Interval: 1e10, Timeout: 2e9, StartPeriod: 1e9, Retries: 5 },
    });
    expect(config({ healthCheck: { command } })).toEqual({
      Healthcheck: { Test: command, Interval: 3e10, Timeout: 5e9, Retries: 3 },
    });
  });

  test('a hostname is not sent with awsvpc', () => {
    expect(config({ hostname: 'h' }, { task: { networkMode: 'awsvpc' } })).toEqual({});
  });
});

describe('dockerConfig.hostConfig (ecs-api.md §D2.3)', () => {
  const MIB = 1024 * 1024;
  const linux = (linuxParameters: object) => ({ linuxParameters });

  test.each<[string, object, object]>([
    [
      'capabilities',
      linux({ capabilities: { add: ['NET_ADMIN'], drop: ['MKNOD'] } }),
      { CapAdd: ['NET_ADMIN'], CapDrop: ['MKNOD'] },
    ],
    ['privileged', { privileged: true }, { Privileged: true }],
    ['readonlyRootFilesystem', { readonlyRootFilesystem: true }, { ReadonlyRootfs: true }],
    ['dnsServers', { dnsServers: ['10.0.0.2'] }, { Dns: ['10.0.0.2'] }],
    ['dnsSearchDomains', { dnsSearchDomains: ['x.y'] }, { DnsSearch: ['x.y'] }],
    [
      'extraHosts',
      { extraHosts: [{ hostname: 'db', ipAddress: '10.0.0.3' }] },
      { ExtraHosts: ['db:10.0.0.3'] },
    ],
    [
      'dockerSecurityOptions',
      { dockerSecurityOptions: ['no-new-privileges'] },
      { SecurityOpt: ['no-new-privileges'] },
    ],
    [
      'ulimits',
      { ulimits: [{ name: 'nofile', softLimit: 1, hardLimit: 2 }] },
      { Ulimits: [{ Name: 'nofile', Soft: 1, Hard: 2 }] },
    ],
    [
      'logConfiguration',
      { logConfiguration: { logDriver: 'json-file', options: { 'max-size': '1m' } } },
      { LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } } },
    ],
    [
      'maxSwap and swappiness',
      linux({ maxSwap: 36, swappiness: 10 }),
      { MemorySwap: 100 * MIB, MemorySwappiness: 10 },
    ],
    [
      'devices',
      linux({
        devices: [
          { hostPath: '/dev/a' },
          { hostPath: '/dev/b', containerPath: '/dev/c', permissions: ['read', 'mknod'] },
        ],
      }),
      {
        Devices: [
          { PathOnHost: '/dev/a', PathInContainer: '/dev/a', CgroupPermissions: 'rwm' },
          { PathOnHost: '/dev/b', PathInContainer: '/dev/c', CgroupPermissions: 'rm' },
        ],
      },
    ],
    ['initProcessEnabled', linux({ initProcessEnabled: true }), { Init: true }],
    ['sharedMemorySize', linux({ sharedMemorySize: 32 }), { ShmSize: 32 * MIB }],
    [
      'tmpfs',
      linux({ tmpfs: [{ containerPath: '/t', size: 8, mountOptions: ['noexec', 'ro'] }] }),
      { Tmpfs: { '/t': 'noexec,ro,size=8m' } },
    ],
    [
      'systemControls',
      { systemControls: [{ namespace: 'net.core.somaxconn', value: '512' }] },
      { Sysctls: { 'net.core.somaxconn': '512' } },
    ],
  ])('%s', (_name, given, expected) => {
    expect(hostConfig({ ...given })).toEqual({ CapAdd: [], CapDrop: [], ...expected });
  });

  test('a memory reservation is in bytes (CP-10)', () => {
    expect(hostConfig({ memoryReservation: 128 }).MemoryReservation).toBe(134_217_728);
  });

  test('a memory reservation of the run wins', () => {
    const run = { containerOverrides: [{ name: 'app', memoryReservation: 16 }] };
    expect(hostConfig({ memoryReservation: 32 }, { overrides: overrides(run) }).MemoryReservation).toBe(
      16 * MIB,
    );
  });

  test('swappiness without maxSwap is left out', () => {
    expect(hostConfig(linux({ swappiness: 10 }))).toEqual({ CapAdd: [], CapDrop: [] });
  });

  test('an awslogs stream prefix becomes the stream (CP-12)', () => {
    const options = { 'awslogs-group': 'g', 'awslogs-region': 'r', 'awslogs-stream-prefix': 'web' };
    expect(hostConfig({ logConfiguration: { logDriver: 'awslogs', options } }).LogConfig).toEqual({
      Type: 'awslogs',
      Config: {
        'awslogs-group': 'g',
        'awslogs-region': 'r',
        'awslogs-stream': 'web/app/0123456789abcdef0123456789abcdef',
      },
    });
  });
});

describe('volumes (ecs-api.md §D2.4)', () => {
  test('an empty host volume keeps its empty host (CP-09)', () => {
    const expected = [{ name: 'v', type: 'host', host: {} }];
    expect(translate({ task: { volumes: [{ name: 'v' }] } }).volumes).toEqual(expected);
    expect(translate({ task: { volumes: [{ name: 'v', host: {} }] } }).volumes).toEqual(expected);
  });

  test.each<[string, object, object]>([
    ['a host path', { host: { sourcePath: '/p' } }, { type: 'host', host: { sourcePath: '/p' } }],
    [
      'a docker volume',
      { dockerVolumeConfiguration: { labels: { a: 'b' } } },
      {
        type: 'docker',
        dockerVolumeConfiguration: { scope: 'task', driver: 'local', labels: { a: 'b' } },
      },
    ],
    [
      'a shared docker volume',
      { dockerVolumeConfiguration: { scope: 'shared', autoprovision: true, driver: 'x' } },
      { type: 'docker', dockerVolumeConfiguration: { scope: 'shared', autoprovision: true, driver: 'x' } },
    ],
    [
      'an EFS volume',
      { efsVolumeConfiguration: { fileSystemId: 'fs-1', transitEncryption: 'ENABLED' } },
      {
        type: 'efs',
        efsVolumeConfiguration: { fileSystemId: 'fs-1', transitEncryption: 'ENABLED', rootDirectory: '/' },
      },
    ],
    ['a volume configured at launch', { configuredAtLaunch: true }, {}],
  ])('%s', (_name, given, expected) => {
    expect(translate({ task: { volumes: [{ name: 'v', ...given }] } }).volumes).toEqual([
      { name: 'v', ...expected },
    ]);
  });
});
