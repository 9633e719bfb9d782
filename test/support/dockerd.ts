import { writeFileSync } from 'node:fs';
import { type Daemon, startDaemon } from './daemon.ts';
import { NetworkHost } from './network-host.ts';
import { run, tryRun } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { tarOf } from './tar.ts';
import { buildTestImage, type TestImageOptions } from './test-image.ts';

/** A dockerd of this test's own, in a network namespace that plays its host. */
export interface TestDockerd extends AsyncDisposable {
  readonly socketPath: string;
  /** Of the daemon that runs now. */
  readonly pid: number;
  readonly host: NetworkHost;
  readonly logFile: string;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same directories, stopping it first if it still runs. */
  restart(): Promise<void>;
  /** Runs the `docker` command line on it; gives its output. */
  docker(...args: readonly string[]): Promise<string>;
  /** Puts an image into it under this name. */
  load(name: string, image?: TestImageOptions): Promise<void>;
}

let started = 0;

/** Starts a dockerd and waits until it serves; `config` are lines of its command. */
export async function startDockerd(...config: readonly string[]): Promise<TestDockerd> {
  started += 1;
  const host = await NetworkHost.create(`docker${started}`);
  const removeHost = () => host[Symbol.asyncDispose]();
  try {
    return await startDockerdIn(host, config, removeHost);
  } catch (error) {
    await removeHost();
    throw error;
  }
}

/** The same in a played host of the caller's; `atEnd` runs after its end. */
export async function startDockerdIn(
  host: NetworkHost,
  config: readonly string[] = [],
  atEnd: () => Promise<void> = async () => {},
): Promise<TestDockerd> {
  const scratch = makeScratch();
  const socketPath = scratch.path('docker.sock');
  const logFile = scratch.path('dockerd.log');
  const docker = async (...args: readonly string[]) =>
    await run('docker', ['-H', `unix://${socketPath}`, ...args]);
  const [command, args] = host.command('dockerd', [
    ...['--data-root', scratch.path('data'), '--exec-root', scratch.path('exec')],
    ...['-H', `unix://${socketPath}`, '-p', scratch.path('docker.pid')],
    ...config,
  ]);
  const start = async (): Promise<Daemon> =>
    await startDaemon({
      command,
      args,
      logFile,
      // It ends its containerd.
      deathSignal: 'TERM',
      readyTimeoutMs: 60_000,
      ready: async () => (await tryRun('docker', ['-H', `unix://${socketPath}`, 'version'])).exitCode === 0,
    });
  let daemon = await start();
  return {
    socketPath,
    logFile,
    host,
    get pid() {
      return daemon.pid;
    },
    kill: (signal) => daemon.kill(signal),
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    docker,
    load: (name, image = {}) => load(scratch, docker, name, image),
    [Symbol.asyncDispose]: async () => {
      const ids = (await docker('ps', '-aq').catch(() => '')).split('\n').filter((id) => id !== '');
      if (ids.length > 0) await docker('rm', '-f', ...ids).catch(() => '');
      await daemon.stop();
      await atEnd();
      await scratch.remove();
    },
  };
}

/** By an archive of `docker save`'s form. */
async function load(
  scratch: Scratch,
  docker: (...args: readonly string[]) => Promise<string>,
  name: string,
  options: TestImageOptions,
): Promise<void> {
  const { native } = buildTestImage({ ...options, format: 'docker' });
  const layers = native.layers.map((layer, index) => ({ path: `layer-${index}.tar`, layer }));
  const archive = tarOf([
    { path: 'config.json', type: 'file', content: native.config.bytes },
    ...layers.map(({ path, layer }) => ({ path, type: 'file' as const, content: layer.bytes })),
    {
      path: 'manifest.json',
      type: 'file',
      content: JSON.stringify([
        { Config: 'config.json', RepoTags: [name], Layers: layers.map(({ path }) => path) },
      ]),
    },
  ]);
  const file = scratch.path('image.tar');
  writeFileSync(file, archive);
  await docker('load', '-i', file);
}
