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

export async function startOnContainerd(
  stack: AsyncDisposableStack,
  program: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {},
): Promise<OnContainerd> {
  const namespace = `ecs-b${process.pid}`;
  const host = stack.use(await NetworkHost.create('bench'));
  stack.defer(() => removeCgroups(`/${namespace}`));
  using _visit = host.enter();
  const containerd = stack.use(await startContainerd());
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

/** Everything that starts containers on one machine, each on daemons of its own kind, and all alive at once. */
export class Contenders implements AsyncDisposable {
  readonly ours: AgentUnderTest;
  readonly oursOnDocker: AgentUnderTest;
  readonly bare: BarePath;
  readonly #containerd: TestContainerd;
  readonly #namespace: string;
  readonly #dockerd: TestDockerd;
  readonly #stack: AsyncDisposableStack;
  #count = 0;

  private constructor(ours: OnContainerd, docker: OnDocker, bare: BarePath, stack: AsyncDisposableStack) {
    this.ours = ours.agent;
    this.oursOnDocker = docker.agent;
    this.bare = bare;
    this.#containerd = ours.containerd;
    this.#namespace = ours.namespace;
    this.#dockerd = docker.dockerd;
    this.#stack = stack;
  }

  static async start(): Promise<Contenders> {
    const stack = new AsyncDisposableStack();
    try {
      const program = await installedAgent(stack);
      const ours = await startOnContainerd(stack, program);
      const docker = await startOnDocker(stack, program);
      await importTestImage(ours.containerd, FLOORS, IMAGE, CONTENT);
      const bare = stack.use(await BarePath.open(ours.containerd, FLOORS));
      return new Contenders(ours, docker, bare, stack);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** The bare path from its first call to its last answer, ms. */
  async bareStart(bare: BarePath = this.bare): Promise<number> {
    const { ms, end } = await bare.start();
    await end();
    return ms;
  }

  /** The bare path with what our agent specifies for the container that it runs, which has to be its only one. */
  async bareLikeOurs(): Promise<BarePath> {
    return await BarePath.likeThatOf(this.#namespace, this.#containerd, FLOORS);
  }

  /** `ctr run -d` on the network of the host, from its start to its end, ms. */
  async ctrRun(): Promise<number> {
    const containerd = this.#containerd;
    const id = this.#name();
    const ms = await timed(() => containerd.ctr(FLOORS, 'run', '-d', '--net-host', IMAGE, id));
    await containerd.ctr(FLOORS, 'tasks', 'delete', '-f', id);
    await containerd.ctr(FLOORS, 'containers', 'delete', id);
    return ms;
  }

  /** `docker run -d` on the network of the host, from its start to its end, ms. */
  async dockerRun(): Promise<number> {
    const name = this.#name();
    const ms = await timed(() => this.#dockerd.docker('run', '-d', '--net', 'host', '--name', name, IMAGE));
    await this.#dockerd.docker('rm', '-f', name);
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
