import type { ImageConfig } from '../../../image/images.ts';
import { TaskError } from '../../../task/errors.ts';
import type { Ulimit } from '../../../task/task-spec.ts';
import type { CreateContainer } from '../../runtime.ts';
import type { HostFacts } from '../host-facts.ts';
import { planCapabilities } from './capabilities.ts';
import { INIT_PATH } from './mounts.ts';
import type { OciProcess, OciRlimit } from './oci-types.ts';
import type { ResolvedUser } from './user.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of the ECS-optimized machine image's Docker daemon. */
const DEFAULT_NOFILE: Ulimit = { name: 'nofile', soft: 32_768, hard: 65_536 };
const RLIM_INFINITY = 2n ** 64n - 1n;
/** Those of getrlimit(2) that ECS and Docker know. */
const RLIMITS: ReadonlySet<string> = new Set([
  ...['as', 'core', 'cpu', 'data', 'fsize', 'locks', 'memlock', 'msgqueue', 'nice', 'nofile', 'nproc', 'rss'],
  ...['rtprio', 'rttime', 'sigpending', 'stack'],
]);

export interface ProcessRequest {
  readonly request: CreateContainer;
  readonly image: ImageConfig;
  readonly user: ResolvedUser;
  readonly hostname: string;
  readonly noNewPrivileges: boolean;
  readonly appArmorProfile?: string;
  readonly selinuxLabel?: string;
  readonly host: Pick<HostFacts, 'capabilities' | 'openFilesCeiling'>;
}

/** The container's first process. CannotCreateContainerError when neither image nor request names a command. */
export function planProcess(asked: ProcessRequest): OciProcess {
  const { request, image, user, hostname, host, appArmorProfile, selinuxLabel } = asked;
  const args = planArgs(request, image);
  if (args.length === 0)
    throw new TaskError(
      'CannotCreateContainerError',
      `no command specified: neither the task definition nor ${request.image} says what to run`,
    );
  const { uid, gid, additionalGids } = user;
  return {
    terminal: request.terminal,
    user: { uid, gid, additionalGids },
    args: hasInit(request) ? [INIT_PATH, '--', ...args] : args,
    env: planEnvironment(request, image, user, hostname),
    cwd: request.workingDirectory ?? (image.workingDirectory === '' ? '/' : image.workingDirectory),
    capabilities: planCapabilities({
      add: request.privileged === true ? ['ALL'] : request.capabilitiesAdd,
      drop: request.privileged === true ? [] : request.capabilitiesDrop,
      uid,
      available: host.capabilities,
    }),
    rlimits: planRlimits(request.ulimits, host.openFilesCeiling),
    noNewPrivileges: asked.noNewPrivileges,
    // Said always: a process would inherit what protects its shim.
    oomScoreAdj: request.oomScoreAdj ?? 0,
    ...(appArmorProfile !== undefined && { apparmorProfile: appArmorProfile }),
    ...(selinuxLabel !== undefined && { selinuxLabel }),
  };
}

/** As under Docker there is no init where process 1 is another's. */
export function hasInit({ init, pid }: Pick<CreateContainer, 'init' | 'pid'>): boolean {
  return init === true && pid === undefined;
}

/** A given entry point drops the image's command too (resources.md §12.2). */
function planArgs(request: CreateContainer, image: ImageConfig): readonly string[] {
  if (request.entryPoint !== undefined) return [...request.entryPoint, ...(request.command ?? [])];
  return [...image.entryPoint, ...(request.command ?? image.command)];
}

/** Defaults, then the image's, then the request's, by key; HOME by user unless someone set it. */
function planEnvironment(
  request: CreateContainer,
  image: ImageConfig,
  user: ResolvedUser,
  hostname: string,
): readonly string[] {
  const merged = {
    PATH: DEFAULT_PATH,
    HOSTNAME: hostname,
    ...(request.terminal && { TERM: 'xterm' }),
    ...image.environment,
    ...request.environment,
  };
  const withHome = { HOME: user.home, ...merged };
  return Object.entries(withHome).map(([key, value]) => `${key}=${value}`);
}

/** What was asked for stands as it is; the default gives way to what the host can give. */
function planRlimits(ulimits: readonly Ulimit[], openFilesCeiling: number): readonly OciRlimit[] {
  const nofile = {
    ...DEFAULT_NOFILE,
    soft: Math.min(DEFAULT_NOFILE.soft, openFilesCeiling),
    hard: Math.min(DEFAULT_NOFILE.hard, openFilesCeiling),
  };
  for (const limit of ulimits) checkUlimit(limit);
  const byName = new Map([nofile, ...ulimits].map((limit) => [limit.name.toLowerCase(), limit]));
  return [...byName].map(([name, { soft, hard }]) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: rlimit(soft),
    hard: rlimit(hard),
  }));
}

function checkUlimit({ name, soft, hard }: Ulimit): void {
  const trouble = !RLIMITS.has(name.toLowerCase())
    ? 'there is no limit of that name'
    : rlimit(soft) > rlimit(hard) && 'the soft limit is above the hard one';
  if (trouble !== false)
    throw new TaskError('CannotCreateContainerError', `ulimits: ${name}=${soft}:${hard}: ${trouble}`);
}

function rlimit(value: number): bigint {
  return value < 0 ? RLIM_INFINITY : BigInt(value);
}
