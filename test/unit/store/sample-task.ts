import fc from 'fast-check';
import { DEPENDENCY_CONDITIONS } from '../../../src/task/dependencies.ts';
import { type TaskArn, taskArn } from '../../../src/task/ids.ts';
import type { StateReport } from '../../../src/task/report.ts';
import { CONTAINER_STATUSES, TASK_STATUSES } from '../../../src/task/statuses.ts';
import { type ContainerSpec, INTERNAL_KINDS } from '../../../src/task/task-spec.ts';
import type { ContainerState, TaskState } from '../../../src/task/task-state.ts';
import type { TaskVolume } from '../../../src/task/volumes.ts';

/** An ARN that ends in `id`. */
export function arnOf(id: string): TaskArn {
  return taskArn(`arn:aws:ecs:us-west-2:123456789012:task/default/${id}`);
}

/** A running task of one container. */
export function sampleTask(id: string, changes: Partial<TaskState> = {}): TaskState {
  return {
    spec: {
      arn: arnOf(id),
      clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/default',
      family: 'web',
      version: '3',
      networkMode: 'host',
      containers: [sampleContainerSpec('app')],
      unsupported: [],
    },
    desired: 'RUNNING',
    known: 'RUNNING',
    knownAt: 1_767_225_601_200,
    receivedAt: 1_767_225_600_000,
    stoppedReason: '',
    resources: 'ready',
    containers: [sampleContainerState('app')],
    reportedStatus: 'RUNNING',
    collected: [],
    unsettledReports: 0,
    ...changes,
  };
}

export function sampleContainerSpec(name: string): ContainerSpec {
  return {
    name,
    image: 'registry.example.com/app:1',
    essential: true,
    environment: { A: 'b' },
    cpu: 128,
    memoryMiB: 64,
    dependsOn: [],
    log: { driver: 'json-file', options: {} },
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
  };
}

export function sampleContainerState(name: string): ContainerState {
  return {
    name,
    generation: 0,
    known: 'RUNNING',
    desired: 'RUNNING',
    digestResolved: true,
    imageDigest: `sha256:${'0a'.repeat(32)}`,
    pid: 4711,
    startedAt: 1_767_225_601_100,
    remains: 'live',
  };
}

/** A report whose reason tells it from others. */
export function sampleReport(id: string, reason: string): StateReport {
  return { task: arnOf(id), status: 'RUNNING', reason, containers: [] };
}

const epochMs = fc.integer({ min: 0, max: 4_102_444_800_000 });
const texts = fc.array(fc.string(), { maxLength: 3 });
/** Without `__proto__`, which no plain object of JavaScript keeps as a key of its own. */
const textMap = fc.dictionary(
  fc.string().filter((key) => key !== '__proto__'),
  fc.string(),
  { maxKeys: 3, noNullPrototype: true },
);
const desired = fc.constantFrom('RUNNING' as const, 'STOPPED' as const);
const exitCode = fc.integer({ min: -1, max: 255 });

const taskVolume: fc.Arbitrary<TaskVolume> = fc.oneof(
  fc.record({ kind: fc.constant('hostPath' as const), name: fc.string(), path: fc.string() }),
  fc.record({
    kind: fc.constant('local' as const),
    name: fc.string(),
    scope: fc.constantFrom('task' as const, 'shared' as const),
    autoprovision: fc.boolean(),
    options: textMap,
    labels: textMap,
  }),
);

/** Every member of a container's specification, present or not. */
const containerSpec: fc.Arbitrary<ContainerSpec> = fc.record(
  {
    name: fc.string({ minLength: 1 }),
    internal: fc.constantFrom(...INTERNAL_KINDS),
    image: fc.string(),
    essential: fc.boolean(),
    command: texts,
    entryPoint: texts,
    environment: textMap,
    cpu: fc.nat(),
    memoryMiB: fc.nat(),
    dependsOn: fc.array(
      fc.record({ containerName: fc.string(), condition: fc.constantFrom(...DEPENDENCY_CONDITIONS) }),
      { maxLength: 2 },
    ),
    mountPoints: fc.array(
      fc.record({ sourceVolume: fc.string(), containerPath: fc.string(), readonly: fc.boolean() }),
      { maxLength: 2 },
    ),
    volumesFrom: fc.array(fc.record({ sourceContainer: fc.string(), readonly: fc.boolean() }), {
      maxLength: 2,
    }),
    links: texts,
    healthCheck: fc.record({
      command: texts,
      intervalMs: fc.nat(),
      timeoutMs: fc.nat(),
      retries: fc.nat(),
      startPeriodMs: fc.nat(),
    }),
    restartPolicy: fc.record({ ignoredExitCodes: fc.array(fc.nat(255)), attemptPeriodMs: fc.nat() }),
    startTimeoutSec: fc.nat(),
    stopTimeoutSec: fc.nat(),
    containerArn: fc.string(),
    secrets: fc.array(
      fc.record({
        name: fc.string(),
        valueFrom: fc.string(),
        region: fc.string(),
        store: fc.constantFrom('ssm' as const, 'secretsmanager' as const),
        use: fc.constantFrom('environment' as const, 'logDriver' as const),
      }),
      { maxLength: 2 },
    ),
    environmentFiles: texts,
    registryAuth: fc.oneof(
      fc.record(
        {
          kind: fc.constant('ecr' as const),
          registryId: fc.string(),
          region: fc.string(),
          endpointOverride: fc.string(),
          useExecutionRole: fc.boolean(),
        },
        { requiredKeys: ['kind', 'registryId', 'region', 'useExecutionRole'], noNullPrototype: true },
      ),
      fc.record({
        kind: fc.constant('secretsmanager' as const),
        credentialsParameter: fc.string(),
        region: fc.string(),
      }),
    ),
    log: fc.record(
      { driver: fc.string(), byDefault: fc.boolean(), options: textMap },
      { requiredKeys: ['driver', 'options'], noNullPrototype: true },
    ),
    options: fc.record(
      {
        user: fc.string(),
        workingDirectory: fc.string(),
        hostname: fc.string(),
        labels: textMap,
        terminal: fc.boolean(),
        openStdin: fc.boolean(),
        capabilitiesAdd: texts,
        capabilitiesDrop: texts,
        readonlyRootfs: fc.boolean(),
        ulimits: fc.array(fc.record({ name: fc.string(), soft: fc.integer(), hard: fc.integer() })),
        sysctls: textMap,
        dns: texts,
        dnsSearch: texts,
        extraHosts: texts,
        shmSizeBytes: fc.nat(),
        tmpfs: textMap,
        memoryReservationBytes: fc.nat(),
        memorySwapBytes: fc.integer({ min: -1 }),
        memorySwappiness: fc.nat(100),
        domainname: fc.string(),
        privileged: fc.boolean(),
        devices: fc.array(
          fc.record({ pathOnHost: fc.string(), pathInContainer: fc.string(), permissions: fc.string() }),
          { maxLength: 2 },
        ),
        securityOptions: texts,
        additionalGroups: texts,
        init: fc.boolean(),
        maskedPaths: texts,
        readonlyPaths: texts,
        stopSignal: fc.string(),
        oomScoreAdj: fc.integer(),
        networkDisabled: fc.boolean(),
        cpuShares: fc.nat(),
        cpuQuotaUs: fc.nat(),
        cpuPeriodUs: fc.nat(),
        cpuRealtimeRuntimeUs: fc.nat(),
        cpuRealtimePeriodUs: fc.nat(),
        cpusetCpus: fc.string(),
        cpusetMems: fc.string(),
        pidsLimit: fc.nat(),
        blkioWeight: fc.nat(),
        oomKillDisable: fc.boolean(),
      },
      {
        requiredKeys: [
          'labels',
          'terminal',
          'openStdin',
          'capabilitiesAdd',
          'capabilitiesDrop',
          'readonlyRootfs',
          'ulimits',
          'sysctls',
          'dns',
          'dnsSearch',
          'extraHosts',
          'tmpfs',
        ],
        noNullPrototype: true,
      },
    ),
  },
  {
    requiredKeys: [
      'name',
      'image',
      'essential',
      'environment',
      'cpu',
      'memoryMiB',
      'dependsOn',
      'log',
      'options',
    ],
    noNullPrototype: true,
  },
);

const containerState: fc.Arbitrary<ContainerState> = fc.record(
  {
    name: fc.string({ minLength: 1 }),
    generation: fc.nat(),
    known: fc.constantFrom(...CONTAINER_STATUSES),
    desired,
    knownAt: epochMs,
    imageDigest: fc.string(),
    digestResolved: fc.boolean(),
    imageName: fc.string(),
    imageId: fc.string(),
    reason: fc.record({ code: fc.string(), message: fc.string() }),
    exitCode,
    createdAt: epochMs,
    startedAt: epochMs,
    finishedAt: epochMs,
    pid: fc.nat(),
    health: fc.record(
      {
        status: fc.constantFrom('UNKNOWN' as const, 'HEALTHY' as const, 'UNHEALTHY' as const),
        since: epochMs,
        probedAt: epochMs,
        failures: fc.nat(),
        output: fc.string(),
        exitCode,
      },
      { requiredKeys: ['status', 'since', 'failures', 'output'] },
    ),
    portBindings: fc.array(
      fc.record({
        bindIp: fc.string(),
        containerPort: fc.nat(),
        hostPort: fc.nat(),
        rangeLength: fc.nat(),
        protocol: fc.constantFrom('tcp' as const, 'udp' as const),
      }),
      { maxLength: 2 },
    ),
    addresses: fc.record({ ipv4: fc.string(), ipv6: fc.string() }, { noNullPrototype: true }),
    restarts: fc.record(
      {
        count: fc.nat(),
        at: epochMs,
        endedRun: fc.nat(),
        exit: fc.record(
          {
            exitCode,
            exitedAt: epochMs,
            oomKilled: fc.boolean(),
            run: fc.nat(),
            detail: fc.string(),
          },
          { requiredKeys: ['exitedAt', 'oomKilled'], noNullPrototype: true },
        ),
      },
      { requiredKeys: ['count', 'at', 'endedRun'], noNullPrototype: true },
    ),
    stopRequestedAt: epochMs,
    remains: fc.constantFrom('live' as const, 'exited' as const, 'released' as const, 'removed' as const),
  },
  {
    requiredKeys: ['name', 'generation', 'known', 'desired', 'digestResolved', 'remains'],
    noNullPrototype: true,
  },
);

const containerReport = fc.record(
  {
    containerName: fc.string(),
    status: fc.constantFrom('PENDING' as const, 'RUNNING' as const, 'STOPPED' as const),
    runtimeId: fc.string(),
    imageDigest: fc.string(),
    exitCode,
    reason: fc.string(),
  },
  { requiredKeys: ['containerName', 'status'], noNullPrototype: true },
);

/** Any report that the types allow. */
export const anyReport: fc.Arbitrary<StateReport> = fc.record(
  {
    task: fc.uuid().map(arnOf),
    status: fc.constantFrom('PENDING' as const, 'RUNNING' as const, 'STOPPED' as const),
    reason: fc.string(),
    containers: fc.array(containerReport, { maxLength: 3 }),
    pullStartedAt: epochMs,
    pullStoppedAt: epochMs,
    executionStoppedAt: epochMs,
  },
  { requiredKeys: ['task', 'status', 'reason', 'containers'], noNullPrototype: true },
);

/** Any task that the types allow, with container names of its own. */
export const anyTask: fc.Arbitrary<TaskState> = fc.record(
  {
    spec: fc.record(
      {
        arn: fc.uuid().map(arnOf),
        clusterArn: fc.string(),
        family: fc.string(),
        version: fc.string(),
        group: fc.string(),
        serviceName: fc.string(),
        launchType: fc.string(),
        cpu: fc.double({ min: 0.125, max: 192, noNaN: true }),
        memoryMiB: fc.nat(),
        networkMode: fc.constantFrom('awsvpc' as const, 'bridge' as const, 'host' as const, 'none' as const),
        taskCredentialsId: fc.string(),
        executionCredentialsId: fc.string(),
        pidMode: fc.constantFrom('host' as const, 'task' as const),
        ipcMode: fc.constantFrom('host' as const, 'task' as const, 'none' as const),
        faultInjection: fc.boolean(),
        containers: fc.array(containerSpec, { maxLength: 3 }),
        volumes: fc.array(taskVolume, { maxLength: 2 }),
        gpus: fc.array(fc.record({ id: fc.string(), containers: texts, content: fc.string() }), {
          maxLength: 2,
        }),
        unsupported: texts,
      },
      {
        requiredKeys: ['arn', 'clusterArn', 'family', 'version', 'networkMode', 'containers', 'unsupported'],
        noNullPrototype: true,
      },
    ),
    desired,
    known: fc.constantFrom(...TASK_STATUSES),
    knownAt: epochMs,
    receivedAt: epochMs,
    stoppedReason: fc.string(),
    admittedAt: epochMs,
    resources: fc.constantFrom('absent' as const, 'ready' as const, 'removed' as const),
    containers: fc.uniqueArray(containerState, { maxLength: 4, selector: (c) => c.name }),
    pullStartedAt: epochMs,
    pullStoppedAt: epochMs,
    executionStoppedAt: epochMs,
    reportedStatus: fc.constantFrom(...TASK_STATUSES),
    collected: fc.array(containerReport, { maxLength: 3 }),
    collectedAt: epochMs,
    unsettledReports: fc.nat(),
  },
  {
    requiredKeys: [
      'spec',
      'desired',
      'known',
      'knownAt',
      'receivedAt',
      'stoppedReason',
      'resources',
      'containers',
      'reportedStatus',
      'collected',
      'unsettledReports',
    ],
    noNullPrototype: true,
  },
);
