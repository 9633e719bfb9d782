import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ParsedTask, parsePayloadTask } from '../../../src/acs/payload-task.ts';
import { NAMESPACE_PAUSE } from '../../../src/task/internal-containers.ts';
import type { ContainerSpec, TaskSpec } from '../../../src/task/task-spec.ts';
import { CLUSTER, taskArnOf, wireCredentials, wireTask } from './acs-world.ts';

const MIB = 1024 * 1024;

function specOf(task: unknown): TaskSpec {
  const parsed = parsePayloadTask(task, CLUSTER);
  if (parsed.kind !== 'task') throw new Error(`not a task: ${JSON.stringify(parsed)}`);
  return parsed.spec;
}

/** The one container of a task, made of the given members. */
function containerOf(members: object): ContainerSpec {
  const [container] = specOf(withContainer(members)).containers;
  if (container === undefined) throw new Error('no container');
  return container;
}

const withContainer = (members: object, task: object = {}) =>
  wireTask('a1', { ...task, containers: [{ name: 'app', image: 'busybox', essential: true, ...members }] });
const dockerConfig = (config: object, hostConfig: object = {}) => ({
  dockerConfig: { version: '1.24', config: JSON.stringify(config), hostConfig: JSON.stringify(hostConfig) },
});
const unsupportedOf = (task: unknown) => specOf(task).unsupported;
const reasonOf = (parsed: ParsedTask) => (parsed.kind === 'invalid' ? parsed.reason : parsed.kind);

describe('a payload task', () => {
  it('becomes the task of the domain with its defaults', () => {
    expect(specOf(wireTask('a1'))).toEqual({
      arn: taskArnOf('a1'),
      clusterArn: CLUSTER,
      family: 'fam',
      version: '1',
      networkMode: 'host',
      containers: [
        {
          name: 'main',
          image: 'busybox',
          essential: true,
          environment: {},
          cpu: 0,
          memoryMiB: 0,
          dependsOn: [],
          log: { driver: 'json-file', byDefault: true, options: {} },
          options: {
            labels: {},
            terminal: false,
            openStdin: false,
            capabilitiesAdd: [],
            capabilitiesDrop: [],
            readonlyRootfs: false,
            ulimits: [],
            sysctls: {},
            dns: [],
            dnsSearch: [],
            extraHosts: [],
            tmpfs: {},
          },
        },
      ],
      unsupported: [],
    });
  });

  it('names whose PID and IPC namespaces its containers have, and holds those that they share (ENG-59)', () => {
    expect(specOf(wireTask('a1', { pidMode: 'host', ipcMode: 'none' }))).toMatchObject({
      pidMode: 'host',
      ipcMode: 'none',
      containers: [{ name: 'main', dependsOn: [] }],
    });
    expect(specOf(wireTask('a1', { pidMode: 'task' }))).toMatchObject({
      pidMode: 'task',
      containers: [
        { name: 'main', dependsOn: [{ containerName: NAMESPACE_PAUSE, condition: 'START' }] },
        { name: NAMESPACE_PAUSE, internal: 'namespacePause', essential: true },
      ],
    });
  });

  it('waits for the creation of whose volumes it takes, and for the start of whom it is linked to (ENG-70, ENG-142)', () => {
    const app = (members: object) => specOf(withContainer(members)).containers[0]?.dependsOn;
    const volumesFrom = [{ sourceContainer: 'db' }];
    expect(app({ volumesFrom })).toEqual([{ containerName: 'db', condition: 'CREATE' }]);
    expect(app({ links: ['db:store', 'cache'] })).toEqual([
      { containerName: 'db', condition: 'START' },
      { containerName: 'cache', condition: 'START' },
    ]);
    expect(app({ links: ['db'], volumesFrom })).toEqual([{ containerName: 'db', condition: 'START' }]);
    const dependsOn = [{ containerName: 'db', condition: 'HEALTHY' }];
    expect(app({ links: ['db'], volumesFrom, dependsOn })).toEqual(dependsOn);
  });

  it('brings the GPUs of its associations, with their containers and values as they came', () => {
    const association = { type: 'gpu', name: 'GPU-1', containers: ['main'] };
    const content = { encoding: 'base64', value: 'YQ==' };
    expect(specOf(wireTask('a1', { associations: [{ ...association, content }] })).gpus).toEqual([
      { id: 'GPU-1', containers: ['main'], content: 'YQ==' },
    ]);
    expect(specOf(wireTask('a1', { associations: [association] })).gpus?.[0]?.content).toBe('');
    expect(specOf(wireTask('a1', { associations: [] }))).not.toHaveProperty('gpus');
  });

  it('takes over everything that it carries', () => {
    const spec = specOf(
      withContainer(
        {
          command: ['sh', '-c', 'exit 0'],
          entryPoint: ['/init'],
          environment: { TZ: 'UTC' },
          cpu: 256,
          memory: 64,
          startTimeout: 0,
          stopTimeout: 7,
          containerArn: 'arn:aws:ecs:us-west-2:123456789012:container/peer/a1/b2',
          portMappings: [{ containerPort: 80, hostPort: 80, protocol: 'tcp' }],
          secrets: [
            {
              name: 'TOKEN',
              valueFrom: '/token',
              region: 'us-west-2',
              provider: 'ssm',
              type: 'ENVIRONMENT_VARIABLE',
              target: 'CONTAINER',
            },
          ],
          environmentFiles: [{ value: 'arn:aws:s3:::b/app.env', type: 's3' }],
          registryAuthentication: {
            type: 'ecr',
            ecrAuthData: {
              registryId: '1',
              region: 'r',
              useExecutionRole: true,
              endpointOverride: 'https://e',
            },
          },
        },
        {
          cpu: 0.5,
          memory: 512,
          group: 'family:fam',
          serviceName: 'web',
          launchType: 'EC2',
          roleCredentials: wireCredentials('c-1'),
          executionRoleCredentials: wireCredentials('c-2'),
        },
      ),
    );
    expect(spec).toMatchObject({
      cpu: 0.5,
      memoryMiB: 512,
      group: 'family:fam',
      serviceName: 'web',
      launchType: 'EC2',
      taskCredentialsId: 'c-1',
      executionCredentialsId: 'c-2',
      unsupported: [],
    });
    expect(spec.containers[0]).toMatchObject({
      command: ['sh', '-c', 'exit 0'],
      entryPoint: ['/init'],
      environment: { TZ: 'UTC' },
      cpu: 256,
      memoryMiB: 64,
      stopTimeoutSec: 7,
      containerArn: 'arn:aws:ecs:us-west-2:123456789012:container/peer/a1/b2',
      secrets: [
        { name: 'TOKEN', valueFrom: '/token', region: 'us-west-2', store: 'ssm', use: 'environment' },
      ],
      environmentFiles: ['arn:aws:s3:::b/app.env'],
      registryAuth: {
        kind: 'ecr',
        registryId: '1',
        region: 'r',
        useExecutionRole: true,
        endpointOverride: 'https://e',
      },
    });
  });

  it('reads the environment as a map and nothing else (ACS-59)', () => {
    expect(containerOf({ environment: { A: '1', B: '' } }).environment).toEqual({ A: '1', B: '' });
    const list = parsePayloadTask(withContainer({ environment: [{ name: 'A', value: '1' }] }), CLUSTER);
    expect(list).toMatchObject({ kind: 'invalid', arn: taskArnOf('a1') });
  });

  it('has a restart policy when one is enabled', () => {
    const restartPolicy = { enabled: true, ignoredExitCodes: [0], restartAttemptPeriod: 90 };
    expect(containerOf({ restartPolicy }).restartPolicy).toEqual({
      ignoredExitCodes: [0],
      attemptPeriodMs: 90_000,
    });
    const disabled = { ...restartPolicy, enabled: false };
    expect(containerOf({ restartPolicy: disabled }).restartPolicy).toBeUndefined();
  });

  it.each([{ command: ['b', 'c'] }, '{"command":["b","c"]}'])(
    'has its command replaced by overrides %j (ACS-56)',
    (overrides) => {
      expect(containerOf({ command: ['a'], overrides }).command).toEqual(['b', 'c']);
    },
  );

  it.each(['{}', {}, null, undefined, '{"command":null}'])(
    'keeps its command with overrides %j',
    (overrides) => {
      expect(containerOf({ command: ['a'], overrides }).command).toEqual(['a']);
    },
  );

  it.each([{ cpu: 3 }, '{"command":["a"],"memory":1}', '{"environment":{}}'])(
    'is invalid with overrides %j (ACS-55)',
    (overrides) => {
      expect(parsePayloadTask(withContainer({ overrides }), CLUSTER).kind).toBe('invalid');
    },
  );

  it.each([
    ['an unknown desired status', wireTask('a1', { desiredStatus: 'running' })],
    ['a negative cpu', wireTask('a1', { cpu: -1 })],
    ['a negative memory', wireTask('a1', { memory: -1 })],
    ['a memory that is not whole', wireTask('a1', { memory: 1.5 })],
    ['a container cpu that is not whole', withContainer({ cpu: 1.5 })],
    ['a negative container cpu', withContainer({ cpu: -1 })],
    ['a negative container memory', withContainer({ memory: -4 })],
    ['a negative stopTimeout', withContainer({ stopTimeout: -1 })],
    ['a negative port', withContainer({ portMappings: [{ containerPort: -1 }] })],
    ['a port above 65535', withContainer({ portMappings: [{ containerPort: 80, hostPort: 65_536 }] })],
    ['a port that is not whole', withContainer({ portMappings: [{ containerPort: 1.5 }] })],
    ['protocol sctp', withContainer({ portMappings: [{ containerPort: 80, protocol: 'sctp' }] })],
    ['overrides that are no object', withContainer({ overrides: '[]' })],
    ['overrides that are no JSON', withContainer({ overrides: 'command' })],
    ['an empty credentialsId', wireTask('a1', { roleCredentials: wireCredentials('') })],
    ['a bad ENI', wireTask('a1', { elasticNetworkInterfaces: [{ ec2Id: 'eni-1' }] })],
    ['a proxy other than App Mesh', wireTask('a1', { proxyConfiguration: { type: 'ENVOY' } })],
    ['a volume without name', wireTask('a1', { volumes: [{ host: {} }] })],
    ['a volume of unknown type', wireTask('a1', { volumes: [{ name: 'v', type: 'ebs' }] })],
    ['a host volume without host', wireTask('a1', { volumes: [{ name: 'v', type: 'host' }] })],
    ['an efs volume without configuration', wireTask('a1', { volumes: [{ name: 'v', type: 'efs' }] })],
    ['a null container', wireTask('a1', { containers: [null] })],
    ['an ARN without an id', wireTask('a1', { arn: 'arn:aws:ecs:us-west-2:123456789012:task/' })],
    [
      'an EBS attachment without volume id',
      wireTask('a1', { attachments: [{ attachmentType: 'amazonebs', attachmentProperties: [] }] }),
    ],
  ])('is invalid with %s', (_, task) => {
    const parsed = parsePayloadTask(task, CLUSTER);
    expect(parsed.kind).toBe('invalid');
    expect(reasonOf(parsed)).not.toBe('');
  });

  it.each([null, 7, 'task', [], undefined])('is invalid when it is %j, without an ARN to report', (task) => {
    expect(parsePayloadTask(task, CLUSTER)).toEqual({ kind: 'invalid', reason: expect.any(String) });
  });

  it('keeps its ARN when the rest cannot be read', () => {
    const parsed = parsePayloadTask({ arn: taskArnOf('a1'), containers: 'many' }, CLUSTER);
    expect(parsed).toMatchObject({ kind: 'invalid', arn: taskArnOf('a1') });
  });

  it('that is to stop needs no more than its ARN and asks for nothing', () => {
    const parsed = parsePayloadTask({ arn: taskArnOf('a1'), desiredStatus: 'STOPPED' }, CLUSTER);
    expect(parsed).toMatchObject({
      kind: 'task',
      desired: 'STOPPED',
      spec: { containers: [], unsupported: [] },
    });
    const bridge = wireTask('a2', { desiredStatus: 'DEAD', networkMode: 'bridge' });
    expect(parsePayloadTask(bridge, CLUSTER)).toMatchObject({
      desired: 'STOPPED',
      spec: { unsupported: [] },
    });
  });
});

describe('dockerConfig', () => {
  it('overrides what the other members say (ACS-60, RES-80)', () => {
    const container = containerOf({
      command: ['a'],
      entryPoint: ['b'],
      environment: { A: '1' },
      cpu: 10,
      memory: 64,
      ...dockerConfig(
        { Cmd: ['c'], Entrypoint: 'd', Env: ['X=1=2', 'Y'] },
        { CpuShares: 512, Memory: 128 * MIB },
      ),
    });
    expect(container).toMatchObject({
      command: ['c'],
      entryPoint: ['d'],
      environment: { X: '1=2', Y: '' },
      cpu: 512,
      memoryMiB: 128,
    });
  });

  it('brings the options that have no member of their own', () => {
    const container = containerOf(
      dockerConfig(
        {
          User: '1000:1000',
          WorkingDir: '/etc',
          Hostname: 'h',
          Labels: { team: 'x' },
          Tty: true,
          OpenStdin: true,
        },
        {
          NetworkMode: 'host',
          CapAdd: ['SYS_PTRACE'],
          CapDrop: ['ALL'],
          ReadonlyRootfs: true,
          Dns: ['10.0.0.2'],
          DnsSearch: ['local'],
          ExtraHosts: ['db:10.0.0.9'],
          Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: -1 }],
          LogConfig: { Type: 'none', Config: { 'max-size': '1m' } },
          ShmSize: 64 * MIB,
          Tmpfs: { '/scr': 'size=8m,noexec' },
          Sysctls: { 'net.core.somaxconn': '9' },
          MemoryReservation: 32 * MIB,
          MemorySwap: -1,
          MemorySwappiness: 0,
        },
      ),
    );
    expect(container.log).toEqual({ driver: 'none', options: { 'max-size': '1m' } });
    expect(container.options).toEqual({
      user: '1000:1000',
      workingDirectory: '/etc',
      hostname: 'h',
      labels: { team: 'x' },
      terminal: true,
      openStdin: true,
      capabilitiesAdd: ['SYS_PTRACE'],
      capabilitiesDrop: ['ALL'],
      readonlyRootfs: true,
      ulimits: [{ name: 'nofile', soft: 1024, hard: -1 }],
      sysctls: { 'net.core.somaxconn': '9' },
      dns: ['10.0.0.2'],
      dnsSearch: ['local'],
      extraHosts: ['db:10.0.0.9'],
      shmSizeBytes: 64 * MIB,
      tmpfs: { '/scr': 'size=8m,noexec' },
      memoryReservationBytes: 32 * MIB,
      memorySwapBytes: -1,
      memorySwappiness: 0,
    });
  });

  it('brings privileges, devices and the limits that ECS has no members for (RES-96)', () => {
    const { options } = containerOf(
      dockerConfig(
        { Domainname: 'd', NetworkDisabled: true, StopSignal: 'SIGINT' },
        {
          Privileged: true,
          Init: true,
          Devices: [
            { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'r' },
            { PathOnHost: '/dev/c' },
          ],
          SecurityOpt: ['no-new-privileges'],
          GroupAdd: ['audio'],
          MaskedPaths: [],
          ReadonlyPaths: ['/proc/x'],
          NanoCpus: 1_500_000_000,
          CpuPeriod: 7,
          CpusetCpus: '0-1',
          CpusetMems: '0',
          CpuRealtimePeriod: 9,
          CpuRealtimeRuntime: 8,
          BlkioWeight: 500,
          PidsLimit: 5,
          OomKillDisable: true,
          OomScoreAdj: -1,
        },
      ),
    );
    expect(options).toMatchObject({
      domainname: 'd',
      networkDisabled: true,
      stopSignal: 'SIGINT',
      privileged: true,
      init: true,
      devices: [
        { pathOnHost: '/dev/a', pathInContainer: '/dev/b', permissions: 'r' },
        { pathOnHost: '/dev/c', pathInContainer: '/dev/c', permissions: 'rwm' },
      ],
      securityOptions: ['no-new-privileges'],
      additionalGroups: ['audio'],
      maskedPaths: [],
      readonlyPaths: ['/proc/x'],
      cpuQuotaUs: 150_000,
      cpuPeriodUs: 100_000,
      cpusetCpus: '0-1',
      cpusetMems: '0',
      cpuRealtimePeriodUs: 9,
      cpuRealtimeRuntimeUs: 8,
      blkioWeight: 500,
      pidsLimit: 5,
      oomKillDisable: true,
      oomScoreAdj: -1,
    });
  });

  it('leaves the cgroup to the agent, whatever is named there (RES-111)', () => {
    const spec = specOf(withContainer(dockerConfig({}, { CgroupParent: '/of/somebody' })));
    expect(spec.unsupported).toEqual([]);
    expect(JSON.stringify(spec)).not.toContain('/of/somebody');
  });

  it('takes a zero for what is not given', () => {
    const { options } = containerOf(
      dockerConfig({}, { PidsLimit: 0, CpuQuota: 0, MemorySwappiness: -1, Devices: [], MaskedPaths: null }),
    );
    for (const member of [
      'pidsLimit',
      'cpuQuotaUs',
      'memorySwappiness',
      'devices',
      'maskedPaths',
      'privileged',
    ])
      expect(options).not.toHaveProperty(member);
  });

  it('that cannot be read fails the task, not its payload (RES-81, RES-112)', () => {
    const broken = withContainer({ dockerConfig: { config: '{"User":7}', hostConfig: 'oops' } });
    expect(unsupportedOf(broken)).toEqual([
      expect.stringMatching(/^containers\[app\]\.dockerConfig\.config \(DockerClientConfigError: User: /),
      expect.stringMatching(/^containers\[app\]\.dockerConfig\.hostConfig \(HostConfigError: /),
    ]);
  });
});

describe('recorded payloads', () => {
  const golden = new URL('../../golden/', import.meta.url);
  const tasks = readdirSync(golden)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) => readFileSync(new URL(name, golden), 'utf8').trim().split('\n'))
    .map((line) => JSON.parse(line))
    .filter((line) => line.type === 'PayloadMessage')
    .flatMap((line): Record<string, unknown>[] => line.message.tasks);

  it('all parse, and every member that they carry has an answer', () => {
    expect(tasks.length).toBeGreaterThan(30);
    for (const task of tasks) {
      const spec = specOf(task);
      expect(spec.arn).toBe(task.arn);
      expect(spec.unsupported.filter((one) => /without|twice|Error/.test(one))).toEqual([]);
    }
  });

  it('in host mode with nothing but limits can all be honoured', () => {
    const host = tasks.filter((task) => task.networkMode === 'host' && task.desiredStatus === 'RUNNING');
    expect(host.length).toBeGreaterThan(0);
    const refused = host.flatMap((task) => unsupportedOf(task)).map((one) => one.replace(/^.*\]\./, ''));
    expect(refused.filter((one) => !/^(mountPoints|volumes|healthCheck|dependsOn)=/.test(one))).toEqual([]);
  });
});
