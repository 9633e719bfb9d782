import { setTimeout as delay } from 'node:timers/promises';
import { startAgent, type TestAgent } from '../../test/support/agent.ts';
import { getIntrospection } from '../../test/support/introspection.ts';
import type { NetworkHost } from '../../test/support/network-host.ts';
import { RecordingControlPlane, type WireLine } from '../../test/support/recording-control-plane.ts';
import { makeScratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';
import { Moments } from './moments.ts';
import { oneContainer, type TaskShape } from './task-shapes.ts';

/** How an agent is made ready to be measured. */
export interface AgentChoice {
  readonly containerdAddress: string;
  readonly namespace: string;
  /** The network it lives in. */
  readonly host: NetworkHost;
  readonly program: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
}

/** What has been sent, and when. */
export interface Sent {
  readonly arns: readonly string[];
  readonly messageId: string;
  readonly at: number;
}

const CLUSTER = 'bench';
const CLUSTER_ARN = `arn:aws:ecs:us-west-2:123456789012:cluster/${CLUSTER}`;
/** From the report of a start until its stop is asked for: the process has to have got as far as its trap. */
const SETTLE_MS = 100;
const LISTED = /^ecs_agent_runtime_call_seconds_count\{(?=.*call="list")(?=.*outcome="ok").*\} [1-9]/m;

/**
 * An agent, and a control plane that measures it from outside: from the moment a message is sent to it to the moment
 * its answer or state change has come. Any agent that speaks ACS could stand here.
 */
export class AgentUnderTest implements AsyncDisposable {
  readonly agent: TestAgent;
  /** Folder of the agent's data and log. */
  readonly directory: string;
  readonly #stack: AsyncDisposableStack;
  readonly #ecs: RecordingControlPlane;
  readonly #host: NetworkHost;
  readonly #moments: Moments;
  #tasks = 0;

  private constructor(parts: {
    readonly stack: AsyncDisposableStack;
    readonly ecs: RecordingControlPlane;
    readonly agent: TestAgent;
    readonly directory: string;
    readonly host: NetworkHost;
    readonly moments: Moments;
  }) {
    this.#stack = parts.stack;
    this.#ecs = parts.ecs;
    this.#host = parts.host;
    this.#moments = parts.moments;
    this.agent = parts.agent;
    this.directory = parts.directory;
  }

  static async start({
    containerdAddress,
    namespace,
    host,
    program,
    env,
  }: AgentChoice): Promise<AgentUnderTest> {
    const stack = new AsyncDisposableStack();
    // What listens and what is started from here on is in that network for good.
    using _visit = host.enter();
    try {
      const scratch = stack.use(makeScratch());
      const moments = new Moments();
      const onLine = noteOn(moments);
      const ecs = stack.use(await RecordingControlPlane.start({ cluster: CLUSTER, onLine }));
      const agent = stack.use(
        await startAgent({
          controlPlaneUrl: ecs.url,
          containerdAddress,
          dataDir: scratch.path('data'),
          runDir: scratch.path('run'),
          namespace,
          logFile: scratch.path('agent.log'),
          program,
          readyOutside: () => ecs.connected('acs'),
          env: {
            ECS_CLUSTER: CLUSTER,
            ECS_IMAGE_PULL_BEHAVIOR: 'prefer-cached',
            // As on a real host: what ended long ago is no part of what is measured.
            ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1h',
            ...env,
          },
        }),
      );
      return new AgentUnderTest({ stack, ecs, agent, host, moments, directory: scratch.directory });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** Sends tasks of one shape in one payload. */
  run(shape: TaskShape = oneContainer(), count = 1): Sent {
    const arns = Array.from({ length: count }, () => this.#newArn());
    return this.#send(
      arns.map((arn) => ({ ...shape, arn, family: 'bench', version: '1', desiredStatus: 'RUNNING' })),
    );
  }

  /** Asks for the end of tasks. */
  stop(arns: readonly string[]): Sent {
    return this.#send(arns.map((arn) => ({ arn, desiredStatus: 'STOPPED' })));
  }

  /** When the payload was acked. */
  async acked({ messageId }: Sent): Promise<number> {
    return await this.#moments.of(ackOf(messageId));
  }

  /** When the last of the tasks was reported RUNNING; rejects when one stops instead. */
  async running({ arns }: Sent): Promise<number> {
    return await this.#reached(arns, async (arn) => {
      const at = await this.#moments.of(turnOf(arn));
      if (this.#moments.has(reportOf(arn, 'RUNNING'))) return at;
      throw new Error(`${arn} stopped: ${JSON.stringify(this.#reportsOf(arn).at(-1))}`);
    });
  }

  /** When the last of the tasks was reported STOPPED. */
  async stopped(arns: readonly string[]): Promise<number> {
    return await this.#reached(arns, (arn) => this.#moments.of(reportOf(arn, 'STOPPED')));
  }

  /** Runs one task and ends it; ms from each payload to what is measured of it. */
  async startAndStop(shape?: TaskShape): Promise<{
    readonly ackMs: number;
    readonly startMs: number;
    readonly stopMs: number;
    readonly arn: string;
    readonly sentAt: number;
  }> {
    const sent = this.run(shape);
    const [arn = ''] = sent.arns;
    const [acked, running] = await Promise.all([this.acked(sent), this.running(sent)]);
    await delay(SETTLE_MS);
    const stopping = this.stop(sent.arns);
    const stopMs = (await this.stopped(sent.arns)) - stopping.at;
    return { ackMs: acked - sent.at, startMs: running - sent.at, stopMs, arn, sentAt: sent.at };
  }

  /** Kills the agent and starts it again; ms from its exec until it is connected to ACS and has seen every container. */
  async killAndStart(): Promise<number> {
    await this.agent.kill('SIGKILL');
    await until(() => !this.#ecs.connected('acs'), { what: 'the connection of the killed agent is gone' });
    const startedAt = performance.now();
    const connected = this.#moments.of(connectionOf(this.#upgrades() + 1));
    await this.#launch();
    const adopted = until(() => this.#hasLooked(), { what: 'all containers are seen', intervalMs: 5 });
    return Math.max(await connected, await adopted) - startedAt;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #launch(): Promise<void> {
    using _visit = this.#host.enter();
    await this.agent.start();
  }

  /** When it is found that the agent has compared its tasks with what the runtime has. */
  async #hasLooked(): Promise<number | undefined> {
    const { body } = await getIntrospection(this.agent.options.runDir, '/metrics');
    return LISTED.test(body) ? performance.now() : undefined;
  }

  async #reached(arns: readonly string[], when: (arn: string) => Promise<number>): Promise<number> {
    return Math.max(...(await Promise.all(arns.map(when))));
  }

  #upgrades(): number {
    return this.#ecs.lines.filter(isConnection).length;
  }

  #reportsOf(arn: string): readonly object[] {
    return this.#ecs.reports.filter(({ task }) => task === arn);
  }

  #newArn(): string {
    this.#tasks += 1;
    return `${CLUSTER_ARN.replace(':cluster/', ':task/')}/${String(this.#tasks).padStart(32, '0')}`;
  }

  #send(tasks: readonly { readonly arn: string }[]): Sent {
    const at = performance.now();
    const messageId = `bench-${at}`;
    this.#ecs.send('acs', 'PayloadMessage', {
      clusterArn: CLUSTER_ARN,
      containerInstanceArn: this.#ecs.containerInstanceArn,
      messageId,
      generatedAt: Date.now(),
      tasks,
    });
    return { arns: tasks.map(({ arn }) => arn), messageId, at };
  }
}

const ackOf = (messageId: unknown) => `ack of ${String(messageId)}`;
const reportOf = (arn: unknown, status: unknown) => `${String(arn)} ${String(status)}`;
/** RUNNING or STOPPED, whichever is told first. */
const turnOf = (arn: unknown) => `${String(arn)} runs or has stopped`;
const connectionOf = (count: number) => `connection ${count}`;
const isConnection = ({ ch, event }: WireLine) => ch === 'acs' && event === 'upgraded';

/** What is measured of what goes over the wire. */
function noteOn(moments: Moments): (line: WireLine) => void {
  let connections = 0;
  return (line) => {
    const { dir, op, type, body, message } = line;
    if (dir === 'in' && op === 'SubmitTaskStateChange') {
      moments.note(reportOf(body?.task, body?.status));
      if (body?.status === 'RUNNING' || body?.status === 'STOPPED') moments.note(turnOf(body.task));
    }
    if (dir === 'in' && type === 'AckRequest') moments.note(ackOf(message?.messageId));
    if (!isConnection(line)) return;
    connections += 1;
    moments.note(connectionOf(connections));
  };
}
