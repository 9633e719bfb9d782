import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AgentDocument, askAgent } from '../../src/ecs-local/agent-socket.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { LeakCheck } from './leak-check.ts';
import { until } from './until.ts';

export interface AgentOptions {
  readonly controlPlaneUrl: string;
  readonly containerdAddress: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly namespace: string;
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Command and arguments that start it; default: from source. */
  readonly program?: readonly [string, ...string[]];
  /** Default: connected to ACS. */
  readonly ready?: (agent: AgentDocument | undefined) => boolean;
  /** Tells from outside whether it is ready; it is not asked then, which takes it time. */
  readonly readyOutside?: () => boolean;
}

/** The agent as a process of its own. */
export interface TestAgent extends AsyncDisposable {
  readonly pid: number;
  /** Of its last end; null when a signal ended it. */
  readonly exitCode: number | null;
  readonly options: AgentOptions;
  ask(): Promise<AgentDocument | undefined>;
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same directories, with more environment if given; it must have ended before. */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
}

/** What the agent is told by its environment; complete, so that nothing of the machine leaks in. */
export function agentEnvironment(options: AgentOptions): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    HOME: '/nonexistent',
    ECS_IGNORE_CONFIG_FILES: 'true',
    ECS_BACKEND_HOST: options.controlPlaneUrl,
    AWS_DEFAULT_REGION: 'us-west-2',
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_EC2_METADATA_DISABLED: 'true',
    ECS_DATADIR: options.dataDir,
    ECS_RUN_DIR: options.runDir,
    ECS_AUDIT_LOGFILE: join(options.runDir, 'audit.log'),
    ECS_CONTAINERD_ADDRESS: options.containerdAddress,
    ECS_CONTAINERD_NAMESPACE: options.namespace,
    ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1s',
    ECS_LOG_OUTPUT_FORMAT: 'json',
    ...options.env,
  };
}

export const AGENT_PROGRAM = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

/** Waits until an agent has cleaned up everything and nothing is left on the host. */
export async function expectAllForgotten(agent: Pick<TestAgent, 'ask'>, leaks: LeakCheck): Promise<void> {
  await until(async () => (await agent.ask())?.tasks.length === 0, {
    what: 'the agent has forgotten its tasks',
    timeoutMs: 30_000,
  });
  await leaks.expectNone();
}

/** Starts an agent and waits until it is connected. */
export async function startAgent(options: AgentOptions): Promise<TestAgent> {
  const [command, ...args] = options.program ?? [process.execPath, AGENT_PROGRAM];
  const launch = async (env: Readonly<Record<string, string>>): Promise<Daemon> =>
    await startDaemon({
      command,
      args,
      logFile: options.logFile,
      env: { ...agentEnvironment(options), ...env },
      readyTimeoutMs: 60_000,
      ready: async () =>
        options.readyOutside?.() ??
        (options.ready ?? ((agent) => agent?.acs.connected === true))(await askAgent(options.runDir)),
    });
  let daemon = await launch({});
  return {
    options,
    get pid() {
      return daemon.pid;
    },
    get exitCode() {
      return daemon.exitCode;
    },
    ask: () => askAgent(options.runDir),
    kill: (signal) => daemon.kill(signal),
    start: async (env = {}) => {
      daemon = await launch(env);
    },
    async [Symbol.asyncDispose]() {
      await daemon.stop();
      // The log service ends by itself once neither the agent nor an unfinished log needs it.
      await until(async () => (await askAgent(options.runDir)) === undefined, { what: 'the agent is gone' });
    },
  };
}
