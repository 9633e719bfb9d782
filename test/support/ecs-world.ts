import { fileURLToPath } from 'node:url';
import { readLogs } from '../../src/container-log/read-logs.ts';
import { CACHE_BESIDE_CODE } from '../../src/host/compile-cache.ts';
import { containerId } from '../../src/task/ids.ts';
import { type AgentOptions, expectAllForgotten, startAgent, type TestAgent } from './agent.ts';
import { AwsEcs } from './aws-ecs.ts';
import { startContainerd, type TestContainerd } from './containerd.ts';
import { accepts, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { type LeakCheck, leakCheck } from './leak-check.ts';
import { removeNftTables } from './nft-tables.ts';
import { pushTestImage } from './push-image.ts';
import { startRegistry, type TestRegistry } from './registry.ts';
import { makeScratch, type Scratch } from './scratch.ts';
import { SOCI, startSoci, type TestSoci } from './soci.ts';

const CONTROL_PLANE = fileURLToPath(new URL('../../src/control-plane/main.ts', import.meta.url));

export interface WorldOptions {
  readonly containerdVersion?: '1.6' | '1.7' | '2.1';
  /** Where containerd keeps its data; default: in its scratch directory. */
  readonly containerdRootDir?: string;
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** With a SOCI snapshotter, which the agent uses; the registry has a name and TLS then. */
  readonly soci?: boolean;
  /** What starts the agent; default: from source. */
  readonly agentProgram?: readonly [string, ...string[]];
  readonly controlPlaneArgs?: readonly string[];
  /** Findings of the leak check that are a program's beside the agent. */
  readonly notOurs?: (finding: string) => boolean;
}

/** The control plane as a process, which may end before its world. */
export interface ControlPlaneProcess {
  /** Of the one that runs now. */
  readonly pid: number;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and state; it must have ended before. */
  start(): Promise<void>;
}

/** A whole ECS on this machine: containerd, registry, control plane, one agent, and the real AWS CLI. */
export class EcsWorld extends AwsEcs implements AsyncDisposable {
  /** The agent's containerd namespace, in every world of this process. */
  static readonly NAMESPACE = `ecs-t${process.pid}`;
  readonly containerd: TestContainerd;
  readonly registry: TestRegistry;
  readonly controlPlane: ControlPlaneProcess;
  readonly agent: TestAgent;
  readonly soci: TestSoci | undefined;
  readonly scratch: Scratch;
  readonly leaks: LeakCheck;
  readonly namespace: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(parts: {
    readonly containerd: TestContainerd;
    readonly registry: TestRegistry;
    readonly controlPlane: ControlPlaneProcess;
    readonly agent: TestAgent;
    readonly soci: TestSoci | undefined;
    readonly scratch: Scratch;
    readonly url: string;
    readonly image: string;
    readonly leaks: LeakCheck;
    readonly namespace: string;
    readonly stack: AsyncDisposableStack;
  }) {
    super(parts.url, parts.image);
    this.containerd = parts.containerd;
    this.registry = parts.registry;
    this.controlPlane = parts.controlPlane;
    this.agent = parts.agent;
    this.soci = parts.soci;
    this.scratch = parts.scratch;
    this.leaks = parts.leaks;
    this.namespace = parts.namespace;
    this.#parts = parts.stack;
  }

  static async start(options: WorldOptions = {}): Promise<EcsWorld> {
    const stack = new AsyncDisposableStack();
    try {
      const scratch = stack.use(makeScratch());
      const withSoci = options.soci === true;
      const registry = stack.use(await startRegistry({ tls: withSoci, named: withSoci }));
      const soci = withSoci ? stack.use(await startSoci(registry)) : undefined;
      const containerd = stack.use(
        await startContainerd({
          ...(options.containerdVersion !== undefined && { version: options.containerdVersion }),
          ...(options.containerdRootDir !== undefined && { rootDir: options.containerdRootDir }),
          ...(soci !== undefined && { config: soci.containerdConfig }),
        }),
      );
      const { reference: image } = await pushTestImage(registry, 'busybox:1');
      const namespace = EcsWorld.NAMESPACE;
      const leaks = await leakCheck({
        containerd,
        namespaces: [namespace],
        cgroups: [`/${namespace}`],
        runDir: scratch.path('run'),
        // The agent's own root cgroup goes when the agent ends.
        ignore: (finding) => finding.endsWith(`/${namespace}`) || options.notOurs?.(finding) === true,
      });
      const port = await freePort();
      const url = `http://127.0.0.1:${port}`;
      const args = [
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
      ];
      const launch = () =>
        startDaemon({
          command: process.execPath,
          args,
          env: { NODE_COMPILE_CACHE: CACHE_BESIDE_CODE },
          logFile: scratch.path('control-plane.log'),
          ready: () => accepts(port),
        });
      let daemon = await launch();
      stack.defer(() => daemon.stop());
      const controlPlane: ControlPlaneProcess = {
        get pid() {
          return daemon.pid;
        },
        kill: (signal) => daemon.kill(signal),
        start: async () => {
          daemon = await launch();
        },
      };
      const agentOptions: AgentOptions = {
        controlPlaneUrl: url,
        containerdAddress: containerd.address,
        dataDir: scratch.path('data'),
        runDir: scratch.path('run'),
        namespace,
        logFile: scratch.path('agent.log'),
        env: {
          ...(soci !== undefined && { ECS_CONTAINERD_SNAPSHOTTER: SOCI }),
          ...(registry.caFile !== undefined && { SSL_CERT_FILE: registry.caFile }),
          ...options.agentEnv,
        },
        ...(options.agentProgram !== undefined && { program: options.agentProgram }),
      };
      // An agent that was killed at the end has not removed them.
      stack.defer(() => removeNftTables(namespace));
      const agent = stack.use(await startAgent(agentOptions));
      return new EcsWorld({
        containerd,
        registry,
        controlPlane,
        agent,
        soci,
        scratch,
        url,
        image,
        leaks,
        namespace,
        stack,
      });
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** The lines that a container has written so far, in order. */
  async logLines(runtimeId: string): Promise<readonly string[]> {
    const lines: string[] = [];
    const logs = readLogs({ dataDir: this.scratch.path('data'), id: containerId(runtimeId) });
    for await (const { text } of logs) lines.push(text);
    return lines;
  }

  /** Waits until the agent has cleaned up everything and nothing is left on the host. */
  async expectClean(): Promise<void> {
    await expectAllForgotten(this.agent, this.leaks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
