import { expectAllForgotten, startAgent, type TestAgent } from '../support/agent.ts';
import { AwsDouble } from '../support/aws-double.ts';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { leakCheck } from '../support/leak-check.ts';
import { pushTestImage } from '../support/push-image.ts';
import { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { INSTANCE, ROLE, SecretTasks } from './secret-tasks.ts';

export interface SecretWorldOptions {
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** Findings of the leak check that are a program's beside the agent. */
  readonly notOurs?: (finding: string) => boolean;
  /** What the agent finds on the host. */
  readonly prepare?: (scratch: Scratch) => Promise<void>;
}

/** The agent's containerd namespace, in every world of this process. */
export const NAMESPACE = `ecs-t${process.pid}`;

/** An agent between a double of ECS that sends what a test wants, and one of the AWS services that secrets lie in. */
export interface SecretWorld extends AsyncDisposable {
  readonly scratch: Scratch;
  readonly containerd: TestContainerd;
  /** Wants no login. */
  readonly registry: TestRegistry;
  readonly aws: AwsDouble;
  readonly ecs: RecordingControlPlane;
  readonly agent: TestAgent;
  readonly tasks: SecretTasks;
  /** Waits until the agent has forgotten every task and nothing is left on the host. */
  expectClean(): Promise<void>;
}

/** Starts its parts, the agent last, and waits until that is connected. */
export async function startSecretWorld(options: SecretWorldOptions = {}): Promise<SecretWorld> {
  const { agentEnv = {}, notOurs = () => false, prepare = async () => {} } = options;
  await using stack = new AsyncDisposableStack();
  const scratch = stack.use(makeScratch());
  const containerd = stack.use(await startContainerd());
  const registry = stack.use(await startRegistry());
  const aws = stack.use(await AwsDouble.start());
  const ecs = stack.use(await RecordingControlPlane.start());
  aws.keys.push(INSTANCE, ROLE);
  const tasks = new SecretTasks(ecs, (await pushTestImage(registry, 'public:1')).reference);
  await prepare(scratch);
  const leaks = await leakCheck({
    containerd,
    namespaces: [NAMESPACE],
    cgroups: [`/${NAMESPACE}`],
    // The agent's own root cgroup goes when the agent ends.
    ignore: (finding) => finding.endsWith(`/${NAMESPACE}`) || notOurs(finding),
  });
  const agent = stack.use(
    await startAgent({
      controlPlaneUrl: ecs.url,
      containerdAddress: containerd.address,
      dataDir: scratch.path('data'),
      runDir: scratch.path('run'),
      namespace: NAMESPACE,
      logFile: scratch.path('agent.log'),
      env: { ECS_CLUSTER: 'peer', AWS_ENDPOINT_URL: aws.url, ECS_LOGLEVEL: 'debug', ...agentEnv },
    }),
  );
  const started = stack.move();
  return {
    ...{ scratch, containerd, registry, aws, ecs, agent, tasks },
    expectClean: () => expectAllForgotten(agent, leaks),
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
