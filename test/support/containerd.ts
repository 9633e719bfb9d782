import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { containerdConfig } from './containerd-config.ts';
import { type ContainerdPlaces, removeContainerdRemains } from './containerd-remains.ts';
import { type ContainerdVersion, containerdBinaries } from './containerd-versions.ts';
import { accepts, type Daemon, startDaemon } from './daemon.ts';
import { type RunResult, run, tryRun } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';

export interface ContainerdOptions {
  /** Default: the system's. */
  readonly version?: ContainerdVersion;
  /** Runs it where no cgroup v2 is mounted: crun refuses a hybrid layout. Its mounts are not the host's then. */
  readonly hideCgroup2?: boolean;
  /** Where it keeps its data, e.g. a small disk; default: in its scratch directory. */
  readonly rootDir?: string;
  /** Lines added to its configuration (TOML tables). */
  readonly config?: string;
}

/** A containerd of this test's own: its root, state and socket lie in a scratch directory. */
export interface TestContainerd extends AsyncDisposable {
  readonly version: ContainerdVersion;
  /** Path of its socket; stays the same over restarts. */
  readonly address: string;
  /** Of the daemon that runs now. */
  readonly pid: number;
  readonly rootDir: string;
  readonly stateDir: string;
  readonly logFile: string;
  /** Folder of its binaries. */
  readonly binaries: string;
  /** Signals the daemon alone and waits for its end; containers go on running. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts the daemon again on the same directories, stopping it first if it still runs. */
  restart(): Promise<void>;
  /** Runs its own `ctr` in a namespace; rejects when that fails. */
  ctr(namespace: string, ...args: readonly string[]): Promise<string>;
  /** The same, with a failure as a result. */
  tryCtr(namespace: string, ...args: readonly string[]): Promise<RunResult>;
  /** Ends the daemon, all its shims and containers, and removes everything of theirs. May be called twice. */
  stop(): Promise<void>;
}

/** Starts a containerd and waits until it accepts connections. */
export async function startContainerd(options: ContainerdOptions = {}): Promise<TestContainerd> {
  const { version = '1.6' } = options;
  const binaries = containerdBinaries(version);
  const scratch = makeScratch();
  const { rootDir: givenRoot } = options;
  const places = {
    ...containerdPlaces(scratch.directory),
    ...(givenRoot !== undefined && { rootDir: givenRoot }),
  };
  const { address, rootDir, stateDir } = places;
  const logFile = scratch.path('containerd.log');
  const configFile = scratch.path('containerd.toml');
  writeFileSync(configFile, `${containerdConfig(places)}\n${options.config ?? ''}`);

  // The daemon finds its shim by PATH.
  const env = { PATH: `${binaries}:${process.env.PATH ?? ''}` };
  const program = [join(binaries, 'containerd'), '-c', configFile];
  const hidden = [
    'unshare',
    '-m',
    'sh',
    '-c',
    'umount "$0" && exec "$@"',
    '/sys/fs/cgroup/unified',
    ...program,
  ];
  const hide = options.hideCgroup2 === true && existsSync('/sys/fs/cgroup/unified');
  const [command = '', ...args] = hide ? hidden : program;
  const start = () => startDaemon({ command, args, logFile, env, ready: () => accepts(address) });

  let daemon: Daemon;
  try {
    daemon = await start();
  } catch (error) {
    await removeAll(scratch, places);
    throw error;
  }
  const ctrArgs = (namespace: string, args: readonly string[]) => ['-a', address, '-n', namespace, ...args];
  const stop = async () => {
    await daemon.stop();
    await removeAll(scratch, places);
  };
  return {
    version,
    address,
    get pid() {
      return daemon.pid;
    },
    rootDir,
    stateDir,
    logFile,
    binaries,
    kill: (signal) => daemon.kill(signal),
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    ctr: (namespace, ...args) => run(join(binaries, 'ctr'), ctrArgs(namespace, args), { env }),
    tryCtr: (namespace, ...args) => tryRun(join(binaries, 'ctr'), ctrArgs(namespace, args), { env }),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Where a containerd with this scratch directory keeps things. */
export function containerdPlaces(directory: string): ContainerdPlaces {
  return {
    rootDir: join(directory, 'root'),
    stateDir: join(directory, 'state'),
    address: join(directory, 'c.sock'),
  };
}

async function removeAll(scratch: Scratch, places: ContainerdPlaces): Promise<void> {
  if (!existsSync(scratch.directory)) return;
  await removeContainerdRemains(places);
  await scratch.remove();
}
