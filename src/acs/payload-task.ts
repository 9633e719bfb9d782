import type { RoleCredentials } from '../credentials/credentials-store.ts';
import { type TaskArn, taskArn, taskIdOf } from '../task/ids.ts';
import { withInternalContainers } from '../task/internal-containers.ts';
import type { DesiredStatus } from '../task/statuses.ts';
import type { NetworkMode, TaskSpec } from '../task/task-spec.ts';
import type { TaskVolume } from '../task/volumes.ts';
import { type IamRoleCredentials, type PayloadTask, payloadTaskSchema } from '../wire/acs-payload.ts';
import { describeIssue } from '../wire/envelope.ts';
import { dropAbsent, nonEmpty } from './absent.ts';
import { gpusOfPayload } from './associations.ts';
import { attachedVolumeNames, parseAttachments } from './attachments.ts';
import { eniProblem, parseEni } from './eni.ts';
import { InvalidTaskError } from './invalid-task.ts';
import { type ParsedContainer, parseContainer } from './payload-container.ts';
import {
  IPC_MODES,
  PID_MODES,
  type ReadTask,
  unsupportedOfContainer,
  unsupportedOfTask,
} from './unsupported.ts';
import { parseVolumes } from './volumes.ts';

/** What became of one task of a PayloadMessage. */
export type ParsedTask =
  | {
      readonly kind: 'task';
      readonly spec: TaskSpec;
      readonly desired: DesiredStatus;
      readonly taskCredentials?: RoleCredentials;
      readonly executionCredentials?: RoleCredentials;
    }
  /** Breaks a rule of acs.md §11. Without an ARN nothing can be reported. */
  | { readonly kind: 'invalid'; readonly arn?: TaskArn; readonly reason: string }
  /** Lacks nothing but its ARN: there is nothing that could be run or reported (ACS-92, OBS-34). */
  | { readonly kind: 'nameless' };

/** Statuses by the names that ECS may use; `NONE` and its like ask for nothing that ECS waits for. */
const DESIRED: ReadonlyMap<string, DesiredStatus | 'neither'> = new Map([
  ['RUNNING', 'RUNNING'],
  ['STOPPED', 'STOPPED'],
  ['DEAD', 'STOPPED'],
  ['', 'neither'],
  ['NONE', 'neither'],
  ['UNKNOWN', 'neither'],
  ['MANIFEST_PULLED', 'neither'],
  ['CREATED', 'neither'],
]);

const NETWORK_MODES: readonly NetworkMode[] = ['awsvpc', 'bridge', 'host', 'none'];

/**
 * One task of a payload as the domain's task. `clusterArn` is the message's. Never throws: what is wrong is in the
 * result, and what this agent cannot do yet is in `spec.unsupported`.
 */
export function parsePayloadTask(task: unknown, clusterArn: string): ParsedTask {
  const arn = arnOf(task);
  try {
    const parsed = payloadTaskSchema.safeParse(task);
    if (!parsed.success) throw new InvalidTaskError(parsed.error.issues.map(describeIssue).join('; '));
    return parseTask(parsed.data, arn, clusterArn);
  } catch (error) {
    if (!(error instanceof InvalidTaskError)) throw error;
    return { kind: 'invalid', reason: error.message, ...(arn !== undefined && { arn }) };
  }
}

function parseTask(payload: PayloadTask, arn: TaskArn | undefined, clusterArn: string): ParsedTask {
  const desired = DESIRED.get(payload.desiredStatus ?? '');
  if (desired === undefined) throw new InvalidTaskError(`desired status ${payload.desiredStatus} is unknown`);
  checkTask(payload);
  const containers = (payload.containers ?? []).map(parseContainer);
  const attachments = parseAttachments(
    payload.attachments ?? [],
    containers.map(({ spec }) => spec.name),
  );
  const read = {
    attachments,
    volumes: parseVolumes(payload.volumes ?? [], attachedVolumeNames(attachments)),
  };
  const taskCredentials = parseRoleCredentials(payload.roleCredentials);
  const executionCredentials = parseRoleCredentials(payload.executionRoleCredentials);
  if (arn === undefined) return { kind: 'nameless' };

  const networkMode = networkModeOf(payload, containers);
  const [eni] = payload.elasticNetworkInterfaces ?? [];
  const spec: TaskSpec = {
    arn,
    clusterArn,
    family: payload.family ?? '',
    version: payload.version ?? '',
    networkMode: NETWORK_MODES.find((mode) => mode === networkMode) ?? 'bridge',
    containers: containers.map((container) => container.spec),
    unsupported: desired === 'STOPPED' ? [] : unsupportedOf(payload, desired, networkMode, containers, read),
    ...dropAbsent({
      volumes: given(read.volumes),
      gpus: gpusOfPayload(payload),
      eni: eni == null || networkMode !== 'awsvpc' ? undefined : parseEni(eni),
      pidMode: PID_MODES.find((mode) => mode === payload.pidMode),
      ipcMode: IPC_MODES.find((mode) => mode === payload.ipcMode),
      group: nonEmpty(payload.group),
      serviceName: nonEmpty(payload.serviceName),
      launchType: nonEmpty(payload.launchType),
      cpu: payload.cpu || undefined,
      memoryMiB: payload.memory || undefined,
      taskCredentialsId: taskCredentials?.credentialsId,
      executionCredentialsId: executionCredentials?.credentialsId,
      faultInjection: payload.enableFaultInjection || undefined,
    }),
  };
  return {
    kind: 'task',
    spec: withInternalContainers(spec),
    desired: desired === 'STOPPED' ? 'STOPPED' : 'RUNNING',
    ...dropAbsent({ taskCredentials, executionCredentials }),
  };
}

function given(volumes: ReadTask['volumes']): readonly TaskVolume[] | undefined {
  const found = volumes.flatMap((read) => (read.kind === 'volume' ? [read.volume] : []));
  return found.length === 0 ? undefined : found;
}

/** The credentials of a role, undefined when there are none. Throws `InvalidTaskError` without a credentialsId. */
export function parseRoleCredentials(
  credentials: IamRoleCredentials | null | undefined,
): RoleCredentials | undefined {
  if (credentials == null) return undefined;
  const credentialsId = nonEmpty(credentials.credentialsId);
  if (credentialsId === undefined) throw new InvalidTaskError('role credentials have no credentialsId');
  return {
    credentialsId,
    roleArn: credentials.roleArn ?? '',
    accessKeyId: credentials.accessKeyId ?? '',
    secretAccessKey: credentials.secretAccessKey ?? '',
    sessionToken: credentials.sessionToken ?? '',
    expiration: credentials.expiration ?? '',
  };
}

function arnOf(task: unknown): TaskArn | undefined {
  if (typeof task !== 'object' || task === null || !('arn' in task)) return undefined;
  return typeof task.arn === 'string' && task.arn !== '' ? taskArn(task.arn) : undefined;
}

function checkTask({ arn, cpu, memory, elasticNetworkInterfaces, proxyConfiguration }: PayloadTask): void {
  if (arn != null && arn !== '' && taskIdOf(taskArn(arn)) === '')
    throw new InvalidTaskError(`${arn} is not a task ARN`);
  if (cpu != null && cpu < 0) throw new InvalidTaskError(`cpu ${cpu} is negative`);
  if (memory != null && memory < 0) throw new InvalidTaskError(`memory ${memory} is negative`);
  if (proxyConfiguration != null && proxyConfiguration.type !== 'APPMESH')
    throw new InvalidTaskError(`proxy type ${proxyConfiguration.type ?? ''} is not APPMESH`);
  for (const eni of elasticNetworkInterfaces ?? []) {
    const problem = eniProblem(eni);
    if (problem !== undefined) throw new InvalidTaskError(problem);
  }
}

/** The task's mode; where it names none, what its containers say, if they agree (acs.md §10.1). */
function networkModeOf(payload: PayloadTask, containers: readonly ParsedContainer[]): string {
  const own = nonEmpty(payload.networkMode);
  if (own !== undefined) return own;
  const [first, ...others] = new Set(containers.map(({ hostConfig }) => nonEmpty(hostConfig.NetworkMode)));
  return first === undefined || others.length > 0 || first === 'default' ? 'bridge' : first;
}

/** What cannot be honoured of a task that is to run; one that is only to stop needs nothing (ACS-34). */
function unsupportedOf(
  payload: PayloadTask,
  desired: 'RUNNING' | 'neither',
  networkMode: string,
  containers: readonly ParsedContainer[],
  read: Pick<ReadTask, 'attachments' | 'volumes'>,
): readonly string[] {
  return [
    ...(desired === 'neither' ? [`desiredStatus=${payload.desiredStatus ?? ''}`] : []),
    ...shapeProblems(containers),
    ...unsupportedOfTask({ payload, networkMode, ...read }),
    ...containers.flatMap((container) => [
      ...container.problems,
      ...unsupportedOfContainer({ ...container, networkMode }),
    ]),
  ];
}

/** Tasks that could never progress or whose containers could not be told apart. */
function shapeProblems(containers: readonly ParsedContainer[]): readonly string[] {
  if (containers.length === 0) return ['a task without containers'];
  const names = containers.map(({ spec }) => spec.name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return twice.map((name) => `containers[${name}] twice`);
}
