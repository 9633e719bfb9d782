import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ContainerNetwork } from '../../../src/network/network.ts';
import { type ContainerId, containerIdOf, taskArn } from '../../../src/task/ids.ts';
import type { PortMapping } from '../../../src/task/port-mapping.ts';
import type { ContainerOptions, ContainerSpec } from '../../../src/task/task-spec.ts';
import { fetchFrom, NetworkHost } from '../../support/network-host.ts';
import { tryRun } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

const CHILD = fileURLToPath(new URL('bridge-child.ts', import.meta.url));

/** A failure as the network told it. */
export class ToldError extends Error {
  readonly code: string | undefined;

  constructor({ name, code, message }: { name: string; code?: string; message: string }) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** A running bridge network in the host that a test plays. */
export class BridgeProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  readonly warnings: string[] = [];
  readonly ready: Promise<void>;
  readonly ended: Promise<unknown>;
  #n = 0;

  constructor(host: NetworkHost, env: Readonly<Record<string, string>>) {
    const [program, args] = host.command(process.execPath, [CHILD]);
    this.#child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.ready = promise;
    this.ready.catch(() => undefined);
    this.ended = once(this.#child, 'exit').then(() => {
      const gone = new Error('the network process ended');
      reject(gone);
      for (const { reject: fail } of this.#pending.values()) fail(gone);
    });
    // The child may be dead by the time it is told something.
    this.#child.stdin?.on('error', () => undefined);
    if (this.#child.stdout === null) throw new Error('the child has no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const message = JSON.parse(line);
      if (message.ready === true) resolve();
      else if (message.warning !== undefined) this.warnings.push(message.warning);
      else if (message.error === undefined) this.#pending.get(message.n)?.resolve(message.result);
      else this.#pending.get(message.n)?.reject(new ToldError(message.error));
    });
  }

  /** Prepares it and completes it. */
  async ensure(container: TestContainer): Promise<ContainerNetwork> {
    const { arn, id, spec } = container;
    return (await this.#ask('ensure', { arn, id, container: spec })) as ContainerNetwork;
  }

  /** As far as the container can be made. */
  async prepare({ arn, id, spec }: TestContainer): Promise<ContainerNetwork> {
    return (await this.#ask('prepare', { arn, id, container: spec })) as ContainerNetwork;
  }

  /** The rest, before its process runs. */
  async complete({ arn, id, spec }: TestContainer): Promise<void> {
    await this.#ask('complete', { arn, id, container: spec });
  }

  async release({ arn, id }: TestContainer): Promise<void> {
    await this.#ask('release', { arn, id });
  }

  async removeTask({ arn }: TestContainer): Promise<void> {
    await this.#ask('removeTask', { arn });
  }

  async sweep(...known: readonly TestContainer[]): Promise<void> {
    await this.#ask('sweep', { known: known.map(({ id }) => id) });
  }

  async close(): Promise<void> {
    await this.#ask('close', {});
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }

  async #ask(method: string, rest: object): Promise<unknown> {
    const pending = Promise.withResolvers<unknown>();
    pending.promise.catch(() => undefined);
    this.#n += 1;
    this.#pending.set(this.#n, pending);
    this.#child.stdin?.write(`${JSON.stringify({ n: this.#n, method, ...rest })}\n`);
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) await this.ended;
    return await pending.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A container as far as its network goes. */
export interface TestContainer {
  readonly arn: string;
  readonly id: ContainerId;
  readonly spec: ContainerSpec;
}

let stages = 0;

/** A played host, a run directory and any number of network processes, one after another. */
export class BridgeStage implements AsyncDisposable {
  readonly host: NetworkHost;
  readonly scratch: Scratch;
  readonly namespace: string;
  readonly #parts = new AsyncDisposableStack();

  private constructor(host: NetworkHost, scratch: Scratch) {
    this.host = host;
    this.scratch = scratch;
    this.namespace = host.name;
  }

  static async open(options: { ipv6?: boolean } = {}): Promise<BridgeStage> {
    stages += 1;
    const host = await NetworkHost.create(`${stages}`, options);
    const stage = new BridgeStage(host, makeScratch());
    stage.#parts.use(host);
    stage.#parts.use(stage.scratch);
    return stage;
  }

  /** Starts a network on the stage's run directory. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<BridgeProcess> {
    const bridge = this.launch(env);
    await bridge.ready;
    return bridge;
  }

  /** As `start`, for one that may die before it is ready. */
  launch(env: Readonly<Record<string, string>> = {}): BridgeProcess {
    return this.#parts.use(
      new BridgeProcess(this.host, { RUN_DIR: this.scratch.path('run'), NAMESPACE: this.namespace, ...env }),
    );
  }

  /** What answers at that address by HTTP, if anything does. */
  async fetch(from: string, address: string, port: number): Promise<string | undefined> {
    return await fetchFrom(from, address, port);
  }

  /** Name under /run/netns of a container's namespace. */
  netnsOf({ id }: TestContainer): string {
    return `${this.namespace}-${id}`;
  }

  /** Spares that are whole, by the files that say so; what a killed process was writing says nothing. */
  spares(): string[] {
    const directory = this.scratch.path('run', 'network', 'spares');
    return filesUnder(directory).filter(
      (path) => path.endsWith('.json') && readFileSync(path, 'utf8').includes('hostEnd'),
    );
  }

  /** What is left of containers and of what they share: namespaces, links, rules, files. */
  async remains(): Promise<string[]> {
    const netns = this.#containerNamespaces();
    const links = (await this.host.run('ip', '-o', 'link', 'show'))
      .split('\n')
      .map((line) => line.split(': ')[1] ?? '')
      .filter((name) => name !== '' && name !== 'lo' && !name.startsWith('up0'));
    const tables = (await this.host.run('nft', 'list', 'tables'))
      .split('\n')
      .filter((line) => line.includes('ecs_'));
    return [...netns, ...links, ...tables, ...filesUnder(this.scratch.path('run'))];
  }

  /** Ends the processes first, then takes away the namespaces of containers that a test left running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
    for (const name of this.#containerNamespaces()) await tryRun('ip', ['netns', 'del', name]);
  }

  #containerNamespaces(): string[] {
    return readdirSync('/run/netns').filter(
      (name) => name.startsWith(`${this.namespace}-`) && /-[0-9a-f]{64}$/.test(name),
    );
  }
}

function filesUnder(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${entry.parentPath}/${entry.name}`);
  } catch {
    return [];
  }
}

const OPTIONS: ContainerOptions = {
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
};

/** A container that asks for these ports. */
export function container(
  name: string,
  portMappings: readonly PortMapping[] = [],
  options: Partial<ContainerOptions> = {},
): TestContainer {
  const arn = `arn:aws:ecs:us-west-2:1:task/c/${name.padEnd(32, '0')}`;
  return {
    arn,
    id: containerIdOf(taskArn(arn), name, 0),
    spec: {
      name,
      image: 'i',
      essential: true,
      environment: {},
      cpu: 0,
      memoryMiB: 0,
      dependsOn: [],
      log: { driver: 'none', options: {} },
      portMappings,
      options: { ...OPTIONS, ...options },
    },
  };
}

export const tcp = (containerPort: number, hostPort = 0): PortMapping => ({
  protocol: 'tcp',
  containerPort,
  hostPort,
});
export const udp = (containerPort: number, hostPort = 0): PortMapping => ({
  protocol: 'udp',
  containerPort,
  hostPort,
});
