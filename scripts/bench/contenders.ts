import { removeCgroups } from '../../test/support/cgroups.ts';
import { startContainerd, type TestContainerd } from '../../test/support/containerd.ts';
import { startDockerd, type TestDockerd } from '../../test/support/dockerd.ts';
import { importTestImage } from '../../test/support/import-image.ts';
import { NetworkHost } from '../../test/support/network-host.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { bundledAgent } from './agent-build.ts';
import { AgentUnderTest } from './agent-under-test.ts';
import { BarePath } from './bare-path.ts';
import { timed } from './interleave.ts';
import { IMAGE, OBEDIENT } from './task-shapes.ts';

/** Names as the tables show them. */
export const OURS = 'our agent, containerd';
export const OURS_ON_DOCKER = 'our agent, docker';
export const BARE = 'bare path (gRPC)';
export const BARE_LIKE_OURS = 'bare path (gRPC), specified as by our agent';
/** Added to the names of contenders that have crun in runc's place. */
export const WITH_CRUN = ', crun';
export const CTR = 'ctr run -d';
export const DOCKER = 'docker run -d';
export const RUNC = 'runc run -d';

const FLOORS = 'bench-floors';
const CONTENT = { cmd: OBEDIENT };

/** Our agent on a daemon of its own, in a network of its own. */
export interface OnContainerd {
  readonly containerd: TestContainerd;
  readonly namespace: string;
  readonly agent: AgentUnderTest;
}
export interface OnDocker {
  readonly dockerd: TestDockerd;
  readonly agent: AgentUnderTest;
}

/** The agent as it is installed. */
export async function installedAgent(stack: AsyncDisposableStack): Promise<readonly [string, ...string[]]> {
  const scratch = stack.use(makeScratch());
  return (await bundledAgent(scratch.path('bundle'))).program;
}

interface OnContainerdOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** With crun in runc's place. */
  readonly crun?: boolean;
}

export async function startOnContainerd(
  stack: AsyncDisposableStack,
  program: readonly [string, ...string[]],
  { env: more = {}, crun = false }: OnContainerdOptions = {},
): Promise<OnContainerd> {
  const kind = crun ? 'crun' : 'bench';
  const namespace = `ecs-${kind}${process.pid}`;
  const host = stack.use(await NetworkHost.create(kind));
  stack.defer(() => removeCgroups(`/${namespace}`));
  using _visit = host.enter();
  const containerd = stack.use(await startContainerd({ hideCgroup2: crun }));
  const env = { ...more, ...(crun && { ECS_OCI_RUNTIME: 'crun' }) };
  await importTestImage(containerd, namespace, IMAGE, CONTENT);
  const choice = { containerdAddress: containerd.address, namespace, host, program, env };
  return { containerd, namespace, agent: stack.use(await AgentUnderTest.start(choice)) };
}

export async function startOnDocker(
  stack: AsyncDisposableStack,
  program: readonly [string, ...string[]],
): Promise<OnDocker> {
  const namespace = `ecs-d${process.pid}`;
  stack.defer(() => removeCgroups(`/${namespace}`));
  const dockerd = stack.use(await startDockerd());
  await dockerd.load(IMAGE, CONTENT);
  const agent = stack.use(
    await AgentUnderTest.start({
      containerdAddress: '/nonexistent',
      namespace,
      host: dockerd.host,
      program,
      env: { ECS_RUNTIME: 'docker', DOCKER_HOST: `unix://${dockerd.socketPath}` },
    }),
  );
  return { dockerd, agent };
}

/** The bare path with what an agent that has no tasks yet specifies: for one that goes on running. */
export async function bareLike({ agent, namespace, containerd }: OnContainerd): Promise<BarePath> {
  await agent.running(agent.run());
  await importTestImage(containerd, FLOORS, IMAGE, CONTENT);
  return await BarePath.likeThatOf(namespace, containerd, FLOORS);
}

/** A bare path from its first call to its last answer, ms. */
export async function bareStart(bare: BarePath): Promise<number> {
  const { ms, end } = await bare.start();
  await end();
  return ms;
}

/** Everything that starts containers on one machine, each on daemons of its own kind, and all alive at once. */
export class Contenders implements AsyncDisposable {
  readonly onContainerd: OnContainerd;
  readonly onDocker: OnDocker;
  readonly bare: BarePath;
  /** How the agent is run. */
  readonly program: readonly [string, ...string[]];
  readonly #stack: AsyncDisposableStack;
  #count = 0;

  private constructor(parts: {
    readonly program: readonly [string, ...string[]];
    readonly onContainerd: OnContainerd;
    readonly onDocker: OnDocker;
    readonly bare: BarePath;
    readonly stack: AsyncDisposableStack;
  }) {
    this.program = parts.program;
    this.onContainerd = parts.onContainerd;
    this.onDocker = parts.onDocker;
    this.bare = parts.bare;
    this.#stack = parts.stack;
  }

  get ours(): AgentUnderTest {
    return this.onContainerd.agent;
  }

  get oursOnDocker(): AgentUnderTest {
    return this.onDocker.agent;
  }

  static async start(): Promise<Contenders> {
    const stack = new AsyncDisposableStack();
    try {
      const program = await installedAgent(stack);
      const onContainerd = await startOnContainerd(stack, program);
      const onDocker = await startOnDocker(stack, program);
      await importTestImage(onContainerd.containerd, FLOORS, IMAGE, CONTENT);
      const bare = stack.use(await BarePath.open(onContainerd.containerd, FLOORS));
      return new Contenders({ program, onContainerd, onDocker, bare, stack });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** `ctr run -d` on the network of the host, from its start to its end, ms. */
  async ctrRun(): Promise<number> {
    const { containerd } = this.onContainerd;
    const id = this.#name();
    const ms = await timed(() => containerd.ctr(FLOORS, 'run', '-d', '--net-host', IMAGE, id));
    await containerd.ctr(FLOORS, 'tasks', 'delete', '-f', id);
    await containerd.ctr(FLOORS, 'containers', 'delete', id);
    return ms;
  }

  /** `docker run -d` on the network of the host, from its start to its end, ms. */
  async dockerRun(): Promise<number> {
    const { dockerd } = this.onDocker;
    const name = this.#name();
    const ms = await timed(() => dockerd.docker('run', '-d', '--net', 'host', '--name', name, IMAGE));
    await dockerd.docker('rm', '-f', name);
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #name(): string {
    this.#count += 1;
    return `floor-${this.#count}`;
  }
}
