import { type AgentOptions, startAgent, type TestAgent } from '../support/agent.ts';
import { AwsDouble } from '../support/aws-double.ts';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { type LeakCheck, leakCheck } from '../support/leak-check.ts';
import { pushTestImage } from '../support/push-image.ts';
import { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { INSTANCE, ROLE, SecretTasks } from './secret-tasks.ts';

export interface SecretWorldOptions {
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** Findings of the leak check that are a program's beside the agent. */
  readonly notOurs?: (finding: string) => boolean;
  /** What the agent finds on the host. */
  readonly prepare?: (scratch: Scratch) => Promise<void>;
}

/** An agent between a double of ECS that sends what a test wants, and one of the AWS services that secrets lie in. */
export class SecretWorld implements AsyncDisposable {
  /** The agent's containerd namespace, in every world of this process. */
  static readonly NAMESPACE = `ecs-t${process.pid}`;
  readonly scratch: Scratch;
  readonly containerd: TestContainerd;
  /** Wants no login. */
  readonly registry: TestRegistry;
  readonly aws: AwsDouble;
  readonly ecs: RecordingControlPlane;
  readonly agent: TestAgent;
  readonly leaks: LeakCheck;
  readonly tasks: SecretTasks;
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: {
    readonly scratch: Scratch;
    readonly containerd: TestContainerd;
    readonly registry: TestRegistry;
    readonly aws: AwsDouble;
    readonly ecs: RecordingControlPlane;
    readonly agent: TestAgent;
    readonly leaks: LeakCheck;
    readonly tasks: SecretTasks;
    readonly stack: AsyncDisposableStack;
  }) {
    this.scratch = parts.scratch;
    this.containerd = parts.containerd;
    this.registry = parts.registry;
    this.aws = parts.aws;
    this.ecs = parts.ecs;
    this.agent = parts.agent;
    this.leaks = parts.leaks;
    this.tasks = parts.tasks;
    this.#parts = parts.stack;
  }

  static async start(options: SecretWorldOptions = {}): Promise<SecretWorld> {
    const { agentEnv = {}, notOurs = () => false, prepare = async () => {} } = options;
    const stack = new AsyncDisposableStack();
    try {
      const scratch = stack.use(makeScratch());
      const containerd = stack.use(await startContainerd());
      const registry = stack.use(await startRegistry());
      const aws = stack.use(await AwsDouble.start());
      const ecs = stack.use(await RecordingControlPlane.start());
      aws.keys.push(INSTANCE, ROLE);
      const tasks = new SecretTasks(ecs, (await pushTestImage(registry, 'public:1')).reference);
      await prepare(scratch);
      const namespace = SecretWorld.NAMESPACE;
      const leaks = await leakCheck({
        containerd,
        namespaces: [namespace],
        cgroups: [`/${namespace}`],
        // The agent's own root cgroup goes when the agent ends.
        ignore: (finding) => finding.endsWith(`/${namespace}`) || notOurs(finding),
      });
      const agentOptions: AgentOptions = {
        controlPlaneUrl: ecs.url,
        containerdAddress: containerd.address,
        dataDir: scratch.path('data'),
        runDir: scratch.path('run'),
        namespace,
        logFile: scratch.path('agent.log'),
        env: {
          ECS_CLUSTER: 'peer',
          AWS_ENDPOINT_URL: aws.url,
          ECS_LOGLEVEL: 'debug',
          ...agentEnv,
        },
      };
      const agent = stack.use(await startAgent(agentOptions));
      return new SecretWorld({ scratch, containerd, registry, aws, ecs, agent, leaks, tasks, stack });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** Waits until the agent has forgotten every task and nothing is left on the host. */
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
