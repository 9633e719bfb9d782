import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { ECS } from '@aws-sdk/client-ecs';
import { startControlPlane } from '../../src/control-plane/control-plane.ts';
import { networkInterfacesSchema } from '../../src/control-plane/network-interfaces.ts';
import { submitTaskStateChangeSchema } from '../../src/wire/ecs-api.ts';
import type { AgentOptions } from '../support/agent.ts';
import { AwsDouble } from '../support/aws-double.ts';
import { startContainerd } from '../support/containerd.ts';
import type { ContainerdVersion } from '../support/containerd-versions.ts';
import type { PlayedEni, PlayedInstance } from '../support/instance.ts';
import { leakCheck } from '../support/leak-check.ts';
import { pushTestImage } from '../support/push-image.ts';
import { startRegistry } from '../support/registry.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import { CrashingAgent } from './crashing-agent.ts';
import { judge, lives, type Report } from './judge.ts';
import { familyOf, type KillPoint } from './kill-points.ts';
import { SECRETS, type Shape, shapeOf } from './shapes.ts';

export interface ChaosOptions {
  readonly containerdVersion: ContainerdVersion;
  readonly agentEnv?: Readonly<Record<string, string>>;
  readonly notOurs?: (finding: string) => boolean;
  /** The EC2 instance that the agent runs on, for tasks with ENIs; the caller is in it. */
  readonly instance?: PlayedInstance;
}

/** What came of the points that were tried. */
export interface Outcome {
  /** Points at which the agent has died. */
  readonly met: readonly KillPoint[];
  readonly missed: readonly KillPoint[];
  /** Deaths of the agent, and tasks that were run. */
  readonly deaths: number;
  readonly tasks: number;
}

/** A point that another task's kill has gone past is tried again with a new task, this often. */
const TRIES = 4;
const TASK_TIMEOUT_MS = 300_000;
/** Task ENIs of the instance; a task that finds none free is placed later. */
const ENIS: readonly PlayedEni[] = [6, 7, 8].map((n) => ({
  name: `ens${n}`,
  mac: `0e:00:00:00:00:0${n}`,
  ipv4: `10.98.0.${n}`,
  ipv6: `fd98::${n}`,
}));

/** Runs tasks, each with a point at which the agent dies; several at once, so that each death hits all of them. */
export async function killAtEach(
  points: readonly KillPoint[],
  atOnce: number,
  options: ChaosOptions,
): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const world = await ChaosWorld.start(options, stack);
  const queue = points.map((point) => ({ point, tries: 0 }));
  const met: KillPoint[] = [];
  const missed: KillPoint[] = [];
  let tasks = 0;
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      tasks += 1;
      const { point } = next;
      const tries = next.tries + 1;
      if (await world.runTask(point, tasks)) met.push(point);
      else if (tries < TRIES) queue.push({ point, tries });
      else missed.push(point);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  await world.expectClean();
  return { met, missed, deaths: world.agent.deaths.length, tasks };
}

class ChaosWorld {
  readonly agent: CrashingAgent;
  readonly #ecs: ECS;
  readonly #image: string;
  readonly #reports: Report[];
  readonly #families: Map<string, string>;
  readonly #tallies: string;
  readonly #expectNoLeaks: () => Promise<void>;
  readonly #logFile: string;
  readonly #networks: string;
  readonly #instance: PlayedInstance | undefined;

  private constructor(parts: {
    readonly agent: CrashingAgent;
    readonly ecs: ECS;
    readonly image: string;
    readonly reports: Report[];
    readonly families: Map<string, string>;
    readonly tallies: string;
    readonly logFile: string;
    readonly networks: string;
    readonly instance: PlayedInstance | undefined;
    expectNoLeaks(): Promise<void>;
  }) {
    this.agent = parts.agent;
    this.#ecs = parts.ecs;
    this.#image = parts.image;
    this.#reports = parts.reports;
    this.#families = parts.families;
    this.#tallies = parts.tallies;
    this.#logFile = parts.logFile;
    this.#networks = parts.networks;
    this.#instance = parts.instance;
    this.#expectNoLeaks = parts.expectNoLeaks;
  }

  static async start(options: ChaosOptions, stack: AsyncDisposableStack): Promise<ChaosWorld> {
    const scratch = stack.use(makeScratch());
    const containerd = stack.use(await startContainerd({ version: options.containerdVersion }));
    const registry = stack.use(await startRegistry());
    const { reference: image } = await pushTestImage(registry, 'busybox:1');
    const namespace = `ecs-c${process.pid}`;
    const leaks = await leakCheck({
      containerd,
      namespaces: [namespace],
      cgroups: [`/${namespace}`],
      runDir: scratch.path('run'),
      ignore: (finding) => finding.endsWith(`/${namespace}`) || options.notOurs?.(finding) === true,
    });
    const reports: Report[] = [];
    const families = new Map<string, string>();
    const { instance } = options;
    for (const eni of ENIS) await instance?.plug(eni);
    const interfaces = instance && JSON.parse(readFileSync(instance.interfacesFile(ENIS), 'utf8'));
    const aws = stack.use(await AwsDouble.start());
    for (const { valueFrom, value } of Object.values(SECRETS))
      (valueFrom.startsWith('arn:') ? aws.secrets : aws.parameters).set(valueFrom, value);
    const controlPlane = await startControlPlane({
      port: 0,
      stateDirectory: scratch.path('control-plane'),
      checkResources: false,
      networkInterfaces: networkInterfacesSchema.parse(interfaces ?? []),
      intercept: (operation, body) => {
        if (operation !== 'SubmitTaskStateChange') return undefined;
        const { task = '', status, reason, containers } = submitTaskStateChangeSchema.parse(body);
        // That an ENI is attached, which has no status of the task.
        if (!status) return undefined;
        const family = families.get(task);
        reports.push({
          task,
          status,
          ...(reason !== undefined && { reason }),
          containers: (containers ?? []).map((c) => ({
            containerName: c.containerName ?? '',
            status: c.status ?? '',
            ...(c.exitCode !== undefined && { exitCode: c.exitCode }),
            ...(c.reason !== undefined && { reason: c.reason }),
          })),
          at: Date.now(),
          lived: status === 'STOPPED' && family !== undefined && lives(family),
        });
        return undefined;
      },
    });
    stack.defer(() => controlPlane.close());
    aws.otherKeyOf = controlPlane.keyOf;
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const ecs = new ECS({ endpoint: controlPlane.url, region: 'us-west-2', credentials });
    stack.defer(() => ecs.destroy());
    const tallies = scratch.path('tallies');
    mkdirSync(tallies);
    const agentOptions: AgentOptions = {
      controlPlaneUrl: controlPlane.url,
      containerdAddress: containerd.address,
      dataDir: scratch.path('data'),
      runDir: scratch.path('run'),
      namespace,
      logFile: scratch.path('agent.log'),
      env: {
        AWS_ENDPOINT_URL: aws.url,
        ...(instance !== undefined && { AWS_EC2_METADATA_DISABLED: 'false', ECS_ENABLE_TASK_ENI: 'true' }),
        ...options.agentEnv,
      },
    };
    const agent = stack.use(await CrashingAgent.start(agentOptions, scratch));
    const { logFile, runDir } = agentOptions;
    const networks = `${runDir}/network/containers`;
    const expectNoLeaks = () => leaks.expectNone();
    return new ChaosWorld({
      agent,
      ecs,
      image,
      reports,
      families,
      tallies,
      logFile,
      networks,
      instance,
      expectNoLeaks,
    });
  }

  /** Runs a task to its end; whether the agent has died at its point. Rejects with everything that is wrong. */
  async runTask(point: KillPoint, number: number): Promise<boolean> {
    // Another run beside this one may meet the same point, and sees the same processes.
    const family = familyOf(point, `${number}-${process.pid}`);
    const shape = shapeOf(point.shape);
    const tally = `/tallies/${family}`;
    const taskDefinition = await this.#define(family, shape, tally);
    const arn = await until(
      async () => {
        const { tasks } = await this.#ecs.runTask({
          taskDefinition,
          ...(shape.networkMode === 'awsvpc' && {
            networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } },
          }),
        });
        return tasks?.[0]?.taskArn;
      },
      { what: `${family} is placed`, timeoutMs: TASK_TIMEOUT_MS, intervalMs: 100 },
    );
    this.#families.set(arn, family);
    try {
      if (shape.stopAfter !== undefined) {
        await until(() => this.#tally(family).includes(shape.stopAfter ?? ''), {
          what: `${family} says ${shape.stopAfter}`,
          timeoutMs: TASK_TIMEOUT_MS,
        });
        await this.#ecs.stopTask({ task: arn });
      }
      await until(
        async () =>
          this.#reportsOf(arn).some(({ status }) => status === 'STOPPED') &&
          (await this.agent.ask())?.tasks.every((task) => task.arn !== arn),
        { what: `${family} is over and forgotten`, timeoutMs: TASK_TIMEOUT_MS, intervalMs: 50 },
      );
      const wrong = judge(shape, this.#tally(family), this.#reportsOf(arn), this.agent.deaths);
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    } catch (error) {
      const reports = this.#reportsOf(arn).map((report) => JSON.stringify(report));
      const parts = [error instanceof Error ? error.message : error, ...reports, ...this.#logOf(arn)];
      throw new Error(`${family}: ${parts.join('\n')}`, { cause: error });
    }
    return this.agent.killedAt.includes(family);
  }

  async expectClean(): Promise<void> {
    await until(async () => (await this.agent.ask())?.tasks.length === 0, {
      what: 'all tasks are forgotten',
    });
    const left = [...this.#families.values()].filter(lives);
    const wrong = [
      ...left.map((family) => `${family} still runs`),
      ...this.agent.accidents,
      ...filesIn(this.#networks).map((file) => `${file}: ports and address of a container are still taken`),
      ...(await this.#enisAway()).map(({ name }) => `${name} is not back on the host`),
    ];
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    await this.#expectNoLeaks();
  }

  /** ENIs that are not on the host, or not as a task that is over leaves them. */
  async #enisAway(): Promise<readonly PlayedEni[]> {
    if (this.#instance === undefined) return [];
    const links = (await this.#instance.links()).split('\n');
    return ENIS.filter(
      ({ name, mac }) =>
        !links.some(
          (link) => link.includes(` ${name}@`) && link.includes(mac) && link.includes('state DOWN'),
        ),
    );
  }

  async #define(family: string, shape: Shape, tally: string): Promise<string> {
    const { taskDefinition } = await this.#ecs.registerTaskDefinition({
      family,
      networkMode: shape.networkMode ?? 'host',
      ...(shape.sharesNamespaces && { pidMode: 'task', ipcMode: 'task' }),
      ...(shape.executionRoleArn !== undefined && { executionRoleArn: shape.executionRoleArn }),
      volumes: [{ name: 'tallies', host: { sourcePath: this.#tallies } }],
      containerDefinitions: shape.define(tally).map((container) => ({
        image: this.#image,
        memory: 16,
        essential: true,
        mountPoints: [{ sourceVolume: 'tallies', containerPath: '/tallies' }],
        ...container,
      })),
    });
    return taskDefinition?.taskDefinitionArn ?? family;
  }

  #tally(family: string): readonly string[] {
    const file = `${this.#tallies}/${family}`;
    return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  }

  #reportsOf(arn: string): readonly Report[] {
    return this.#reports.filter(({ task }) => task === arn);
  }

  /** The last things that the agents said of the task. */
  #logOf(arn: string): readonly string[] {
    const id = arn.slice(arn.lastIndexOf('/') + 1);
    const lines = readFileSync(this.#logFile, 'utf8').split('\n');
    return lines.filter((line) => line.includes(id) || line.includes('instance registered')).slice(-60);
  }
}

function filesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
