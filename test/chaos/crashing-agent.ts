import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { askAgent } from '../../src/ecs-local/agent-socket.ts';
import { type AgentOptions, agentEnvironment } from '../support/agent.ts';
import type { Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('agent-main.ts', import.meta.url));

/** An agent that kills itself at the points that its tasks name, and is started again each time. */
export class CrashingAgent implements AsyncDisposable {
  /** When it died by its own hand, epoch ms. */
  readonly deaths: number[] = [];
  /** Ends that nobody asked for. */
  readonly accidents: string[] = [];
  readonly #options: AgentOptions;
  readonly #killedFile: string;
  readonly #compileCache: string;
  #child: ChildProcess;
  #stopping = false;

  private constructor(options: AgentOptions, scratch: Scratch) {
    this.#options = options;
    this.#killedFile = scratch.path('killed');
    this.#compileCache = scratch.path('compile-cache');
    writeFileSync(this.#killedFile, '');
    this.#child = this.#start();
  }

  /**
   * Starts it, ends it and starts it again: an end in peace writes down the compiled code, with which the many
   * starts that follow take half the time.
   */
  static async start(options: AgentOptions, scratch: Scratch): Promise<CrashingAgent> {
    const agent = new CrashingAgent(options, scratch);
    await until(async () => (await agent.ask())?.acs.connected, {
      what: 'the agent connects',
      timeoutMs: 60_000,
    });
    agent.#stopping = true;
    const first = agent.#child;
    const ended = once(first, 'exit');
    first.kill('SIGTERM');
    await ended;
    agent.#stopping = false;
    agent.#child = agent.#start();
    return agent;
  }

  /** Families of the tasks whose points it has died at. */
  get killedAt(): readonly string[] {
    return readFileSync(this.#killedFile, 'utf8').split('\n').slice(0, -1);
  }

  ask() {
    return askAgent(this.#options.runDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#child.kill('SIGTERM');
    await until(() => this.#child.exitCode !== null || this.#child.signalCode !== null, {
      what: 'the agent has ended',
    }).catch(() => this.#child.kill('SIGKILL'));
  }

  #start(): ChildProcess {
    const log = openSync(this.#options.logFile, 'a');
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, PROGRAM], {
      stdio: ['ignore', log, log],
      env: {
        ...agentEnvironment(this.#options),
        ECS_TEST_KILLED: this.#killedFile,
        NODE_COMPILE_CACHE: this.#compileCache,
      },
    });
    closeSync(log);
    child.once('exit', (code, signal) => {
      if (this.#stopping) return;
      if (signal === 'SIGKILL') this.deaths.push(Date.now());
      else this.accidents.push(`the agent ended with ${code ?? signal}`);
      this.#child = this.#start();
    });
    return child;
  }
}
