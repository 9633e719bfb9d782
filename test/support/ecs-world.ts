import { fileURLToPath } from 'node:url';
import { type AgentOptions, startAgent, type TestAgent } from './agent.ts';
import { startContainerd, type TestContainerd } from './containerd.ts';
import { accepts, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { type LeakCheck, leakCheck } from './leak-check.ts';
import { pushTestImage } from './push-image.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { type RunResult, tryRun } from './run.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { until } from './until.ts';

const CONTROL_PLANE = fileURLToPath(new URL('../../src/control-plane/main.ts', import.meta.url));
const AWS_CLI = '/usr/bin/aws';

export interface WorldOptions {
  readonly containerdVersion?: '1.6' | '1.7' | '2.1';
  readonly agentEnv?: Readonly<Record<string, string>>;
  readonly controlPlaneArgs?: readonly string[];
}

/** What `aws ecs describe-tasks` says of a task, as far as tests look. */
export interface DescribedTask {
  readonly taskArn: string;
  readonly lastStatus: string;
  readonly desiredStatus: string;
  readonly stoppedReason?: string;
  readonly stopCode?: string;
  readonly containers: readonly {
    readonly name: string;
    readonly lastStatus: string;
    readonly exitCode?: number;
    readonly reason?: string;
    readonly runtimeId?: string;
    readonly imageDigest?: string;
  }[];
}

/** A whole ECS on this machine: containerd, registry, control plane, one agent, and the real AWS CLI. */
export class EcsWorld implements AsyncDisposable {
  readonly containerd: TestContainerd;
  readonly registry: TestRegistry;
  readonly agent: TestAgent;
  readonly scratch: Scratch;
  readonly url: string;
  /** Reference of a busybox image in the registry. */
  readonly image: string;
  readonly leaks: LeakCheck;
  readonly namespace: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: {
    readonly containerd: TestContainerd;
    readonly registry: TestRegistry;
    readonly agent: TestAgent;
    readonly scratch: Scratch;
    readonly url: string;
    readonly image: string;
    readonly leaks: LeakCheck;
    readonly namespace: string;
    readonly stack: AsyncDisposableStack;
  }) {
    this.containerd = parts.containerd;
    this.registry = parts.registry;
    this.agent = parts.agent;
    this.scratch = parts.scratch;
    this.url = parts.url;
    this.image = parts.image;
    this.leaks = parts.leaks;
    this.namespace = parts.namespace;
    this.#parts = parts.stack;
  }

  static async start(options: WorldOptions = {}): Promise<EcsWorld> {
    const stack = new AsyncDisposableStack();
    try {
      const scratch = stack.use(makeScratch());
      const [containerd, registry] = await Promise.all([
        startContainerd(
          options.containerdVersion === undefined ? {} : { version: options.containerdVersion },
        ),
        startRegistry(),
      ]);
      stack.use(containerd);
      stack.use(registry);
      const { reference: image } = await pushTestImage(registry, 'busybox:1');
      const namespace = `ecs-t${process.pid}`;
      const leaks = await leakCheck({
        containerd,
        namespaces: [namespace],
        cgroups: [`/${namespace}`],
        // The agent's own root cgroup goes when the agent ends.
        ignore: (finding) => finding.endsWith(`/${namespace}`),
      });
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const controlPlane = await startDaemon({
        command: process.execPath,
        args: [
          CONTROL_PLANE,
          '--port',
          String(port),
          '--state-dir',
          scratch.path('control-plane'),
          '--access-key',
          'test',
          '--secret-key',
          'test',
          ...(options.controlPlaneArgs ?? []),
        ],
        logFile: scratch.path('control-plane.log'),
        ready: () => accepts(port),
      });
      stack.defer(() => controlPlane.stop());
      const agentOptions: AgentOptions = {
        controlPlaneUrl: url,
        containerdAddress: containerd.address,
        dataDir: scratch.path('data'),
        runDir: scratch.path('run'),
        namespace,
        logFile: scratch.path('agent.log'),
        ...(options.agentEnv !== undefined && { env: options.agentEnv }),
      };
      const agent = stack.use(await startAgent(agentOptions));
      return new EcsWorld({ containerd, registry, agent, scratch, url, image, leaks, namespace, stack });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** Runs the real `aws ecs …`; gives its JSON. */
  async aws<T = unknown>(...args: readonly string[]): Promise<T> {
    const result = await this.tryAws(...args);
    if (result.exitCode !== 0) throw new Error(`aws ecs ${args.join(' ')}: ${result.stderr}`);
    return (result.stdout.trim() === '' ? undefined : JSON.parse(result.stdout)) as T;
  }

  async tryAws(...args: readonly string[]): Promise<RunResult> {
    return await tryRun(
      AWS_CLI,
      [
        'ecs',
        ...args,
        '--endpoint-url',
        this.url,
        '--region',
        'us-west-2',
        '--output',
        'json',
        '--no-cli-pager',
      ],
      {
        env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_EC2_METADATA_DISABLED: 'true' },
        timeoutMs: 120_000,
      },
    );
  }

  /** Registers a one-container definition on the host network; more members of the container by `container`. */
  async register(
    family: string,
    command: string,
    container: Readonly<Record<string, unknown>> = {},
    task: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const definition = {
      family,
      networkMode: 'host',
      containerDefinitions: [
        {
          name: 'main',
          image: this.image,
          essential: true,
          memory: 64,
          command: ['sh', '-c', command],
          ...container,
        },
      ],
      ...task,
    };
    await this.aws('register-task-definition', '--cli-input-json', JSON.stringify(definition));
  }

  async run(family: string, count = 1): Promise<readonly string[]> {
    const answer = await this.aws<{
      readonly tasks: readonly { readonly taskArn: string }[];
      readonly failures: readonly { readonly reason: string }[];
    }>('run-task', '--task-definition', family, '--count', String(count));
    if (answer.failures.length > 0) throw new Error(`not placed: ${answer.failures[0]?.reason}`);
    return answer.tasks.map((task) => task.taskArn);
  }

  async describe(...arns: readonly string[]): Promise<readonly DescribedTask[]> {
    const { tasks } = await this.aws<{ readonly tasks: readonly DescribedTask[] }>(
      'describe-tasks',
      '--tasks',
      ...arns,
    );
    return tasks;
  }

  /** Waits until every task has that status; gives them. */
  async reach(
    status: string,
    arns: readonly string[],
    timeoutMs = 30_000,
  ): Promise<readonly DescribedTask[]> {
    return await until(
      async () => {
        const tasks = await this.describe(...arns);
        return tasks.length === arns.length && tasks.every((task) => task.lastStatus === status) && tasks;
      },
      { what: `${arns.length} tasks are ${status}`, timeoutMs, intervalMs: 100 },
    );
  }

  /** Waits until the agent has cleaned up everything and nothing is left on the host. */
  async expectClean(): Promise<void> {
    await until(async () => (await this.agent.ask())?.tasks.length === 0, {
      what: 'the agent has forgotten its tasks',
      timeoutMs: 30_000,
    });
    await this.leaks.expectNone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
