import { z } from '../schema.ts';
import { DEPENDENCY_CONDITIONS } from '../task/dependencies.ts';
import { taskArn } from '../task/ids.ts';
import type { ContainerReport, StateReport } from '../task/report.ts';
import { CONTAINER_STATUSES, TASK_STATUSES } from '../task/statuses.ts';
import { INTERNAL_KINDS } from '../task/task-spec.ts';
import type { ContainerState, TaskState } from '../task/task-state.ts';
import { versionedRecord } from './versioned-record.ts';

/**
 * Shapes of the stored records. A task is kept in one record for itself and one for each of its containers, as
 * task-engine.md §12 has it; `containers` of the task's record names them in order.
 */
const text = z.string();
const optionalText = z.exactOptional(text);
const integer = z.int();
const optionalInteger = z.exactOptional(integer);
const optionalFlag = z.exactOptional(z.boolean());
const arn = z.pipe(
  text.check(z.minLength(1)),
  z.transform((value) => taskArn(value)),
);
const texts = z.array(text);
const textMap = z.record(text, text);
const desired = z.enum(['RUNNING', 'STOPPED']);
const reportedStatus = z.enum(['PENDING', 'RUNNING', 'STOPPED']);

const protocol = z.enum(['tcp', 'udp']);
const portMapping = z.object({
  protocol,
  containerPort: integer,
  hostPort: integer,
  rangeLength: optionalInteger,
});
const portBinding = z.object({ bindIp: text, ...portMapping.shape });

const containerReport = z.object({
  containerName: text,
  status: reportedStatus,
  runtimeId: optionalText,
  imageDigest: optionalText,
  exitCode: optionalInteger,
  portBindings: z.exactOptional(z.array(portBinding)),
  reason: optionalText,
});

const stateReport = z.object({
  task: arn,
  status: reportedStatus,
  reason: text,
  containers: z.array(containerReport),
  pullStartedAt: optionalInteger,
  pullStoppedAt: optionalInteger,
  executionStoppedAt: optionalInteger,
});

const containerOptions = z.object({
  user: optionalText,
  workingDirectory: optionalText,
  hostname: optionalText,
  labels: textMap,
  terminal: z.boolean(),
  openStdin: z.boolean(),
  capabilitiesAdd: texts,
  capabilitiesDrop: texts,
  readonlyRootfs: z.boolean(),
  ulimits: z.array(z.object({ name: text, soft: integer, hard: integer })),
  sysctls: textMap,
  dns: texts,
  dnsSearch: texts,
  extraHosts: texts,
  shmSizeBytes: optionalInteger,
  tmpfs: textMap,
  memoryReservationBytes: optionalInteger,
  memorySwapBytes: optionalInteger,
  memorySwappiness: optionalInteger,
  domainname: optionalText,
  privileged: optionalFlag,
  devices: z.exactOptional(z.array(z.object({ pathOnHost: text, pathInContainer: text, permissions: text }))),
  securityOptions: z.exactOptional(texts),
  additionalGroups: z.exactOptional(texts),
  init: optionalFlag,
  maskedPaths: z.exactOptional(texts),
  readonlyPaths: z.exactOptional(texts),
  stopSignal: optionalText,
  oomScoreAdj: optionalInteger,
  networkDisabled: optionalFlag,
  cpuShares: optionalInteger,
  cpuQuotaUs: optionalInteger,
  cpuPeriodUs: optionalInteger,
  cpuRealtimeRuntimeUs: optionalInteger,
  cpuRealtimePeriodUs: optionalInteger,
  cpusetCpus: optionalText,
  cpusetMems: optionalText,
  pidsLimit: optionalInteger,
  blkioWeight: optionalInteger,
  oomKillDisable: optionalFlag,
});

const registryAuth = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('ecr'),
    registryId: text,
    region: text,
    endpointOverride: optionalText,
    useExecutionRole: z.boolean(),
  }),
  z.object({ kind: z.literal('secretsmanager'), credentialsParameter: text, region: text }),
]);

const secretReference = z.object({
  name: text,
  valueFrom: text,
  region: text,
  store: z.enum(['ssm', 'secretsmanager']),
  use: z.enum(['environment', 'logDriver']),
});

const restartPolicy = z.object({ ignoredExitCodes: z.array(integer), attemptPeriodMs: z.number() });

const containerExit = z.object({
  exitCode: optionalInteger,
  exitedAt: integer,
  oomKilled: z.boolean(),
  run: optionalInteger,
  detail: optionalText,
});

const taskVolume = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('hostPath'), name: text, path: text }),
  z.object({
    kind: z.literal('local'),
    name: text,
    scope: z.enum(['task', 'shared']),
    autoprovision: z.boolean(),
    options: textMap,
    labels: textMap,
  }),
]);
const mountPoint = z.object({ sourceVolume: text, containerPath: text, readonly: z.boolean() });
const volumesFrom = z.object({ sourceContainer: text, readonly: z.boolean() });

const containerSpec = z.object({
  name: text,
  internal: z.exactOptional(z.enum(INTERNAL_KINDS)),
  image: text,
  essential: z.boolean(),
  command: z.exactOptional(texts),
  entryPoint: z.exactOptional(texts),
  environment: textMap,
  cpu: z.number(),
  memoryMiB: z.number(),
  dependsOn: z.array(z.object({ containerName: z.string(), condition: z.enum(DEPENDENCY_CONDITIONS) })),
  mountPoints: z.exactOptional(z.array(mountPoint)),
  volumesFrom: z.exactOptional(z.array(volumesFrom)),
  links: z.exactOptional(texts),
  healthCheck: z.exactOptional(
    z.object({
      command: z.array(z.string()),
      intervalMs: z.number(),
      timeoutMs: z.number(),
      retries: z.number(),
      startPeriodMs: z.number(),
    }),
  ),
  portMappings: z.exactOptional(z.array(portMapping)),
  restartPolicy: z.exactOptional(restartPolicy),
  startTimeoutSec: z.exactOptional(z.number()),
  stopTimeoutSec: z.exactOptional(z.number()),
  containerArn: optionalText,
  registryAuth: z.exactOptional(registryAuth),
  secrets: z.exactOptional(z.array(secretReference)),
  environmentFiles: z.exactOptional(texts),
  log: z.object({
    driver: text,
    byDefault: z.exactOptional(z.boolean()),
    useExecutionRole: z.exactOptional(z.boolean()),
    options: textMap,
  }),
  options: containerOptions,
});

const gpuAssociation = z.object({ id: text, containers: texts, content: text });

const taskEni = z.object({
  ec2Id: text,
  macAddress: text,
  ipv4Addresses: texts,
  ipv6Addresses: texts,
  subnetGatewayIpv4: optionalText,
  subnetGatewayIpv6: optionalText,
  dnsServers: texts,
  dnsSearch: texts,
  privateDnsName: optionalText,
  branch: z.exactOptional(z.object({ trunkMacAddress: text, vlanId: z.number() })),
});

const taskSpec = z.object({
  arn,
  clusterArn: text,
  family: text,
  version: text,
  group: optionalText,
  serviceName: optionalText,
  launchType: optionalText,
  cpu: z.exactOptional(z.number()),
  memoryMiB: z.exactOptional(z.number()),
  networkMode: z.enum(['awsvpc', 'bridge', 'host', 'none']),
  pidMode: z.exactOptional(z.enum(['host', 'task'])),
  ipcMode: z.exactOptional(z.enum(['host', 'task', 'none'])),
  eni: z.exactOptional(taskEni),
  taskCredentialsId: optionalText,
  executionCredentialsId: optionalText,
  faultInjection: optionalFlag,
  containers: z.array(containerSpec),
  volumes: z.exactOptional(z.array(taskVolume)),
  gpus: z.exactOptional(z.array(gpuAssociation)),
  unsupported: texts,
});

const containerState = z.object({
  name: text,
  generation: integer,
  known: z.enum(CONTAINER_STATUSES),
  desired,
  knownAt: optionalInteger,
  imageDigest: optionalText,
  digestResolved: z.boolean(),
  imageName: optionalText,
  imageId: optionalText,
  reason: z.exactOptional(z.object({ code: text, message: text })),
  exitCode: optionalInteger,
  portBindings: z.exactOptional(z.array(portBinding)),
  addresses: z.exactOptional(z.object({ ipv4: optionalText, ipv6: optionalText })),
  createdAt: optionalInteger,
  startedAt: optionalInteger,
  finishedAt: optionalInteger,
  pid: optionalInteger,
  health: z.exactOptional(
    z.object({
      status: z.enum(['UNKNOWN', 'HEALTHY', 'UNHEALTHY']),
      since: z.number(),
      probedAt: z.exactOptional(z.number()),
      failures: z.number(),
      output: z.string(),
      exitCode: z.exactOptional(z.number()),
    }),
  ),
  restarts: z.exactOptional(
    z.object({ count: integer, at: integer, endedRun: integer, exit: z.exactOptional(containerExit) }),
  ),
  stopRequestedAt: optionalInteger,
  remains: z.enum(['live', 'exited', 'released', 'removed']),
});

const taskState = z.object({
  spec: taskSpec,
  desired,
  known: z.enum(TASK_STATUSES),
  knownAt: integer,
  receivedAt: integer,
  stoppedReason: text,
  admittedAt: optionalInteger,
  resources: z.enum(['absent', 'ready', 'removed']),
  fetched: optionalFlag,
  networkReleased: z.exactOptional(z.literal(true)),
  /** Names of the task's containers, whose records lie beside this one. */
  containers: texts,
  pullStartedAt: optionalInteger,
  pullStoppedAt: optionalInteger,
  executionStoppedAt: optionalInteger,
  reportedStatus: z.enum(TASK_STATUSES),
  collected: z.array(containerReport),
  collectedAt: optionalInteger,
  unsettledReports: integer,
});

/** A task's own record: its state with the names of its containers in place of their states. */
export type TaskRecord = Omit<TaskState, 'containers'> & { readonly containers: readonly string[] };

export const taskRecordFormat = versionedRecord<TaskRecord>(taskState);
export const containerRecordFormat = versionedRecord<ContainerState>(containerState);
export const reportRecordFormat = versionedRecord<StateReport>(stateReport);

/** Splits a task into what its records hold. */
export function toRecords(task: TaskState): {
  readonly task: TaskRecord;
  readonly containers: readonly ContainerState[];
} {
  const { containers, ...rest } = task;
  return { task: { ...rest, containers: containers.map((c) => c.name) }, containers };
}

/** Joins the records of a task again; throws when the record of a container is missing. */
export function fromRecords(task: TaskRecord, containers: ReadonlyMap<string, ContainerState>): TaskState {
  const states = task.containers.map((name) => {
    const state = containers.get(name);
    if (state === undefined) throw new Error(`the record of its container "${name}" is missing or broken`);
    return state;
  });
  return { ...task, containers: states };
}

/** Compiles only while the schemas above and the domain types say the same, optional members included. */
type Same<A, B> = [DeepReadonly<A>] extends [DeepReadonly<B>]
  ? [DeepReadonly<B>] extends [DeepReadonly<A>]
    ? [Paths<A>] extends [Paths<B>]
      ? [Paths<B>] extends [Paths<A>]
        ? true
        : false
      : false
    : false
  : false;
type DeepReadonly<T> = T extends string | number | boolean
  ? T
  : T extends readonly (infer E)[]
    ? readonly DeepReadonly<E>[]
    : { readonly [K in keyof T]: DeepReadonly<T[K]> };
/** Names of all members at any depth: an optional member that is missing on one side shows here alone. */
type Paths<T> = T extends string | number | boolean
  ? never
  : T extends readonly (infer E)[]
    ? Paths<E>
    : { [K in keyof T & string]-?: K | `${K}.${Paths<NonNullable<T[K]>>}` }[keyof T & string];

type Holds<T extends true> = T;
type _SchemasMatchTypes = [
  Holds<Same<z.output<typeof taskState>, TaskRecord>>,
  Holds<Same<z.output<typeof containerState>, ContainerState>>,
  Holds<Same<z.output<typeof stateReport>, StateReport>>,
  Holds<Same<z.output<typeof containerReport>, ContainerReport>>,
];
