import { DEPENDENCY_CONDITIONS } from '../task/dependencies.ts';
import type { IpcMode, PidMode } from '../task/task-spec.ts';
import type { PayloadContainer, PayloadTask } from '../wire/acs-payload.ts';
import { GPU_ASSOCIATION } from './associations.ts';
import type { TaskAttachment } from './attachments.ts';
import {
  type DockerConfig,
  type DockerHostConfig,
  HONOURED_CONFIG,
  HONOURED_HOST_CONFIG,
} from './docker-config.ts';
import { parseHealthCheck } from './health-check.ts';
import { strangeSecrets } from './secrets.ts';
import type { ReadVolume } from './volumes.ts';

/**
 * Everything that a payload may ask for and that this agent cannot honour yet, in one place. A task that carries
 * any of it is refused in set-up with these names, never half-run. Support for a feature removes its row.
 * Gists name things; they never show secrets or environment values.
 */
interface Row<T> {
  readonly field: string;
  /** What the value asks for, or undefined when it asks for nothing. */
  readonly gist: (value: T) => string | undefined;
}

/** A task with the parts of it that were read already. */
export interface ReadTask {
  readonly payload: PayloadTask;
  readonly networkMode: string;
  readonly volumes: readonly ReadVolume[];
  readonly attachments: readonly TaskAttachment[];
}

/** A container with its dockerConfig texts decoded. */
export interface ReadContainer {
  readonly payload: PayloadContainer;
  readonly networkMode: string;
  readonly config: DockerConfig;
  readonly hostConfig: DockerHostConfig;
}

export const PID_MODES: readonly PidMode[] = ['host', 'task'];
export const IPC_MODES: readonly IpcMode[] = ['host', 'task', 'none'];
const SUPPORTED_NETWORK_MODES: ReadonlySet<string> = new Set(['awsvpc', 'bridge', 'host', 'none']);

const TASK_ROWS: readonly Row<ReadTask>[] = [
  {
    field: 'networkMode',
    gist: ({ networkMode }) => (SUPPORTED_NETWORK_MODES.has(networkMode) ? undefined : networkMode),
  },
  { field: 'volumes', gist: ({ volumes }) => listed(volumes.flatMap(strangeVolume)) },
  { field: 'attachments', gist: ({ attachments }) => listed(attachments.map(({ type }) => type)) },
  {
    field: 'elasticNetworkInterfaces',
    gist: eniGist,
  },
  {
    field: 'associations',
    gist: ({ payload }) =>
      listed(
        (payload.associations ?? []).map(({ type }) => type ?? '').filter((type) => type !== GPU_ASSOCIATION),
      ),
  },
  { field: 'proxyConfiguration', gist: ({ payload }) => payload.proxyConfiguration?.type ?? undefined },
  { field: 'pidMode', gist: ({ payload }) => otherThan(PID_MODES, payload.pidMode) },
  { field: 'ipcMode', gist: ({ payload }) => otherThan(IPC_MODES, payload.ipcMode) },
];

const SUPPORTED_CONDITIONS: readonly string[] = DEPENDENCY_CONDITIONS;

const CONTAINER_ROWS: readonly Row<ReadContainer>[] = [
  {
    field: 'dependsOn',
    gist: ({ payload }) =>
      listed(
        (payload.dependsOn ?? [])
          .filter(({ condition }) => !SUPPORTED_CONDITIONS.includes(condition ?? ''))
          .map((on) => `${on.containerName ?? ''} ${on.condition ?? ''}`),
      ),
  },
  { field: 'secrets', gist: ({ payload }) => listed(strangeSecrets(payload)) },
  { field: 'healthCheck', gist: healthCheckGist },
  {
    field: 'managedAgents',
    gist: ({ payload }) => listed((payload.managedAgents ?? []).map(({ name }) => name ?? '')),
  },
  {
    field: 'firelensConfiguration',
    gist: ({ payload }) => (payload.firelensConfiguration == null ? undefined : 'set'),
  },
  { field: 'credentialSpecs', gist: ({ payload }) => listed(payload.credentialSpecs ?? []) },
  {
    field: 'hostConfig.SecurityOpt',
    gist: ({ hostConfig }) =>
      listed((hostConfig.SecurityOpt ?? []).filter((option) => option.startsWith('credentialspec'))),
  },
];

/** Whether a value of a member changes nothing here. */
type Harmless = (value: unknown) => boolean;

/** Members of `config` that change nothing here, or mean something only with a value that is given. */
const HARMLESS_CONFIG: ReadonlyMap<string, Harmless> = new Map<string, Harmless>([
  ['ArgsEscaped', () => true],
  ['AttachStderr', () => true],
  ['AttachStdin', () => true],
  ['AttachStdout', () => true],
  ['ExposedPorts', () => true],
  ['Healthcheck', () => true],
  ['OnBuild', () => true],
  ['Shell', () => true],
  ['StdinOnce', () => true],
  ['StopTimeout', () => true],
]);

/** The same for `hostConfig`. */
const HARMLESS_HOST_CONFIG: ReadonlyMap<string, Harmless> = new Map<string, Harmless>([
  ['Annotations', () => true],
  ['CgroupParent', () => true],
  ['ConsoleSize', () => true],
  ['ContainerIDFile', () => true],
  ['IpcMode', (value) => value === 'private' || value === 'shareable'],
  ['RestartPolicy', isNeverRestart],
]);

/** What of a task cannot be honoured, e.g. `networkMode=awsvpc`. Empty: everything can. */
export function unsupportedOfTask(task: ReadTask): readonly string[] {
  return rowsOf(TASK_ROWS, task, '');
}

/** What of a container cannot be honoured, e.g. `containers[app].dependsOn=db START`. */
export function unsupportedOfContainer(container: ReadContainer): readonly string[] {
  const { payload, networkMode, config, hostConfig } = container;
  const place = `containers[${payload.name ?? ''}].`;
  return [
    ...rowsOf(CONTAINER_ROWS, container, place),
    ...otherNetwork(networkMode, hostConfig, place),
    ...members(config, HONOURED_CONFIG, HARMLESS_CONFIG, `${place}config.`),
    ...otherImage(payload, config, place),
    ...members(hostConfig, HONOURED_HOST_CONFIG, HARMLESS_HOST_CONFIG, `${place}hostConfig.`),
  ];
}

function rowsOf<T>(rows: readonly Row<T>[], value: T, place: string): readonly string[] {
  return rows.flatMap(({ field, gist }) => {
    const asked = gist(value);
    return asked === undefined || asked === '' ? [] : [`${place}${field}=${shortened(asked)}`];
  });
}

/** Members that are set, are not read by us and would change how the container runs. */
function members(
  decoded: Readonly<Record<string, unknown>>,
  honoured: ReadonlySet<string>,
  harmless: ReadonlyMap<string, Harmless>,
  place: string,
): readonly string[] {
  return Object.entries(decoded)
    .filter(([name]) => !honoured.has(name) && name !== 'Image')
    .filter(([name, value]) => !asksNothing(value) && harmless.get(name)?.(value) !== true)
    .map(([name, value]) => `${place}${name}=${shortened(JSON.stringify(value))}`);
}

function otherThan(known: readonly string[], value: string | null | undefined): string | undefined {
  return value == null || known.includes(value) ? undefined : value;
}

function strangeVolume(volume: ReadVolume): readonly string[] {
  if (volume.kind === 'volume') return [];
  return [`${volume.name} (${volume.kind === 'attached' ? volume.kind : volume.what})`];
}

/** One ENI for an awsvpc task, none for others. */
function eniGist({ payload, networkMode }: ReadTask): string | undefined {
  const enis = payload.elasticNetworkInterfaces ?? [];
  if (networkMode === 'awsvpc' && enis.length === 0) return 'none';
  const isOne = networkMode === 'awsvpc' && enis.length === 1;
  return isOne ? undefined : listed(enis.map(({ ec2Id }) => ec2Id ?? ''));
}

/** A check that is to be reported and cannot be run. */
function healthCheckGist({ payload, config }: ReadContainer): string | undefined {
  if (payload.healthCheckType !== 'docker') return undefined;
  if (asksNothing(config.Healthcheck)) return 'without a Healthcheck';
  return parseHealthCheck(config.Healthcheck).kind === 'invalid'
    ? JSON.stringify(config.Healthcheck)
    : undefined;
}

/** A container's own network mode has to be the task's; `default` is Docker's word for `bridge`. */
function otherNetwork(
  networkMode: string,
  { NetworkMode }: DockerHostConfig,
  place: string,
): readonly string[] {
  const own = NetworkMode === 'default' ? 'bridge' : NetworkMode;
  return own == null || own === '' || own === networkMode ? [] : [`${place}hostConfig.NetworkMode=${own}`];
}

/** The image that runs has to be the one that is pulled. */
function otherImage(
  payload: PayloadContainer,
  { Image: image }: DockerConfig,
  place: string,
): readonly string[] {
  return asksNothing(image) || image === payload.image ? [] : [`${place}config.Image=${String(image)}`];
}

function isNeverRestart(policy: unknown): boolean {
  return typeof policy === 'object' && policy !== null && 'Name' in policy && policy.Name === 'no';
}

/** Zero values of Docker's structures, also nested. */
function asksNothing(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === 0 || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.values(value).every(asksNothing);
}

function listed(items: readonly string[]): string | undefined {
  return items.length === 0 ? undefined : items.map((item) => (item === '' ? '?' : item)).join(', ');
}

const GIST_LIMIT = 80;

function shortened(text: string): string {
  return text.length <= GIST_LIMIT ? text : `${text.slice(0, GIST_LIMIT - 1)}…`;
}
