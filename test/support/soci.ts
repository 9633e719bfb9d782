import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { TestContainerd } from './containerd.ts';
import { accepts, type Daemon, startDaemon } from './daemon.ts';
import { type HostMount, hostMounts } from './mounts.ts';
import type { TestRegistry } from './registry.ts';
import { run } from './run.ts';
import { makeScratch } from './scratch.ts';

/** containerd's name of the snapshotter. */
export const SOCI = 'soci';

/**
 * SOCI keeps some things under /var/lib wherever its root is: it gets an empty one of its own, in a mount namespace
 * in which all else is the machine's.
 */
const OWN_STATE = `
  mount --make-private "$(findmnt -n -o TARGET -T /var/lib)"
  mount -t tmpfs tmpfs /var/lib`;

/** Folder of the SOCI snapshotter and of its command line. */
function sociBinaries(): string {
  const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  const folder = join(cache, 'ecs-containerd-agent/soci-0.4/usr/bin');
  if (!existsSync(folder))
    throw new Error(`the SOCI snapshotter is not unpacked in ${folder}: run ./scripts/setup --for test`);
  return folder;
}

/** A SOCI snapshotter of this test's own. */
export interface TestSoci extends AsyncDisposable {
  /** Of the process that runs now. */
  readonly pid: number;
  readonly logFile: string;
  /** For `startContainerd`: tells it of the snapshotter. */
  readonly containerdConfig: string;
  /** What it has mounted on the machine: one a layer that was left at the registry. */
  mounts(): readonly HostMount[];
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on what it had; it must have ended before. */
  start(): Promise<void>;
  /** Gives it a login for a registry, as `docker login` would; counts for images that it has not seen. */
  logIn(registry: TestRegistry): void;
}

/** Starts a SOCI snapshotter that trusts the certificate of `registry`, and fetches nothing before it is read. */
export async function startSoci(registry: TestRegistry): Promise<TestSoci> {
  const scratch = makeScratch();
  const { directory } = scratch;
  const logFile = scratch.path('soci.log');
  const socket = scratch.path('soci.sock');
  const home = scratch.path('home');
  mkdirSync(home);
  writeFileSync(scratch.path('soci.toml'), '[background_fetch]\n  disable = true\n');
  const launch = () =>
    startDaemon({
      command: 'unshare',
      args: [
        ...['--mount', '--propagation', 'unchanged', 'sh', '-ec', `${OWN_STATE}\n exec "$@"`, 'sh'],
        ...[join(sociBinaries(), 'soci-snapshotter-grpc'), '--address', socket, '--log-level', 'debug'],
        ...['--config', scratch.path('soci.toml'), '--root', scratch.path('soci')],
      ],
      logFile,
      env: { DOCKER_CONFIG: home, ...trusting(registry) },
      ready: () => accepts(socket),
    });
  let daemon: Daemon;
  try {
    // What it mounts there is seen by the whole machine.
    await run('mount', ['--bind', directory, directory]);
    await run('mount', ['--make-shared', directory]);
    daemon = await launch();
  } catch (error) {
    await scratch.remove();
    throw error;
  }
  return {
    get pid() {
      return daemon.pid;
    },
    logFile,
    containerdConfig: `[proxy_plugins.${SOCI}]\n  type = "snapshot"\n  address = ${JSON.stringify(socket)}\n`,
    mounts: () => hostMounts().filter(({ mountPoint }) => mountPoint.startsWith(`${directory}/`)),
    kill: (signal) => daemon.kill(signal),
    start: async () => {
      daemon = await launch();
    },
    logIn: ({ host, user }) => {
      const auth = Buffer.from(`${user?.username}:${user?.password}`).toString('base64');
      writeFileSync(join(home, 'config.json'), JSON.stringify({ auths: { [host]: { auth } } }));
    },
    [Symbol.asyncDispose]: async () => {
      await daemon.stop();
      await scratch.remove();
    },
  };
}

/**
 * Makes the SOCI index of an image that was pushed, of its layers from that size on, and pushes it. `containerd`
 * lends its content store.
 */
export async function pushSociIndex(
  containerd: TestContainerd,
  registry: TestRegistry,
  reference: string,
  minLayerBytes: number,
): Promise<void> {
  const namespace = 'soci-index';
  const { caFile, user } = registry;
  const login = user === undefined ? [] : ['--user', `${user.username}:${user.password}`];
  const trust = caFile === undefined ? ['--plain-http'] : ['--tlscacert', caFile];
  await containerd.ctr(namespace, 'content', 'fetch', ...trust, ...login, reference);
  const script = `${OWN_STATE}
    program=$1 address=$2 reference=$3 size=$4; shift 4
    "$program" -a "$address" -n ${namespace} create --min-layer-size "$size" "$reference"
    "$program" -a "$address" -n ${namespace} push --existing-index allow "$@" "$reference"`;
  const args = [join(sociBinaries(), 'soci'), containerd.address, reference, String(minLayerBytes)];
  await run(
    'unshare',
    [
      ...['--mount', '--propagation', 'private', 'sh', '-ec', script, 'sh', ...args, ...login],
      ...(caFile === undefined ? ['--plain-http'] : []),
    ],
    { env: trusting(registry), timeoutMs: 120_000 },
  );
  await containerd.ctr(namespace, 'images', 'rm', '--sync', reference);
}

function trusting({ caFile }: TestRegistry): Record<string, string> {
  return caFile === undefined ? {} : { SSL_CERT_FILE: caFile };
}
