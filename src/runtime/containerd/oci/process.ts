import type { ImageConfig } from '../../../image/images.ts';
import { TaskError } from '../../../task/errors.ts';
import type { Ulimit } from '../../../task/task-spec.ts';
import type { CreateContainer } from '../../runtime.ts';
import type { HostFacts } from '../host-facts.ts';
import { planCapabilities } from './capabilities.ts';
import type { OciProcess, OciRlimit } from './oci-types.ts';
import type { ResolvedUser } from './user.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Of the ECS-optimized machine image's Docker daemon. */
const DEFAULT_NOFILE: Ulimit = { name: 'nofile', soft: 32_768, hard: 65_536 };
const RLIM_INFINITY = 2n ** 64n - 1n;

export interface ProcessRequest {
  readonly request: CreateContainer;
  readonly image: ImageConfig;
  readonly user: ResolvedUser;
  readonly hostname: string;
  readonly host: Pick<HostFacts, 'lastCap' | 'openFilesCeiling'>;
}

/** The container's first process. CannotCreateContainerError when neither image nor request names a command. */
export function planProcess({ request, image, user, hostname, host }: ProcessRequest): OciProcess {
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
    args,
    env: planEnvironment(request, image, user, hostname),
    cwd: request.workingDirectory ?? (image.workingDirectory === '' ? '/' : image.workingDirectory),
    capabilities: planCapabilities({
      add: request.capabilitiesAdd,
      drop: request.capabilitiesDrop,
      uid,
      lastCap: host.lastCap,
    }),
    rlimits: planRlimits(request.ulimits, host.openFilesCeiling),
    noNewPrivileges: false,
  };
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
  const byName = new Map([nofile, ...ulimits].map((limit) => [limit.name.toLowerCase(), limit]));
  return [...byName].map(([name, { soft, hard }]) => ({
    type: `RLIMIT_${name.toUpperCase()}`,
    soft: rlimit(soft),
    hard: rlimit(hard),
  }));
}

function rlimit(value: number): bigint {
  return value < 0 ? RLIM_INFINITY : BigInt(value);
}
