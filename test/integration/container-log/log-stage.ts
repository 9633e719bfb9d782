import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { LogRequest } from '../../../src/container-log/container-logs.ts';
import { type ContainerLogPaths, containerLogPaths } from '../../../src/container-log/log-paths.ts';
import {
  beginLogService,
  type LogServiceClient,
  openLogService,
} from '../../../src/container-log/log-service-client.ts';
import type { LogCredentials } from '../../../src/container-log/service/credentials-broker.ts';
import { logFilesOldestFirst } from '../../../src/container-log/service/log-file/log-files.ts';
import type { ContainerStdio } from '../../../src/runtime/runtime.ts';
import { type ContainerId, containerIdOf, taskArn } from '../../../src/task/ids.ts';
import { hostProcesses, isAlive, killAll } from '../../support/processes.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

export const TASK = taskArn(
  'arn:aws:ecs:us-west-2:123456789012:task/default/0123456789abcdef0123456789abcdef',
);

export const TEST_KEYS: LogCredentials = { accessKeyId: 'AKIDTEST', secretAccessKey: 'secret' };

export interface JsonLine {
  readonly log?: string;
  readonly stream: string;
  readonly attrs?: Readonly<Record<string, string>>;
  readonly time: string;
}

const AGENT = fileURLToPath(new URL('agent-child.ts', import.meta.url));

/** An agent in a process of its own. */
export interface AgentProcess {
  /** Of the container that it set up. */
  readonly stdio: ContainerStdio;
  kill(): Promise<void>;
}

/** What a writer's FIFOs are, or the stage's only container's. */
export interface Fifos {
  readonly stdout: string;
  readonly stderr: string;
}

export interface StageOptions {
  /** What the agent hands over; default: test keys for every id. */
  readonly credentialsOf?: (id: string) => Promise<LogCredentials>;
  /** Makes the data directory something special before anything is in it, such as a small mount. */
  readonly onDataDir?: (directory: string) => Promise<void>;
  readonly graceMs?: number;
  /** For how long everything on the stage may take; default 2 minutes. */
  readonly limitMs?: number;
  /** Runs the log service instead of Node. */
  readonly nodePath?: (scratch: Scratch) => string;
}

/** A log service of this test's own, an agent's connection to it, and processes that write like a shim does. */
export class LogStage implements AsyncDisposable {
  readonly scratch: Scratch;
  readonly runDir: string;
  readonly dataDir: string;
  readonly warnings: { readonly fields: object; readonly message: string }[] = [];
  readonly signal: AbortSignal;
  readonly #graceMs: number;
  readonly #nodePath: string | undefined;
  readonly #credentialsOf: (id: string) => Promise<LogCredentials>;
  readonly #writers: ChildProcess[] = [];
  #client: LogServiceClient | undefined;

  static async open(options: StageOptions = {}): Promise<LogStage> {
    const stage = new LogStage(makeScratch(), options);
    mkdirSync(stage.dataDir);
    await options.onDataDir?.(stage.dataDir);
    await stage.connect();
    return stage;
  }

  private constructor(scratch: Scratch, options: StageOptions) {
    this.scratch = scratch;
    this.runDir = scratch.path('run');
    this.dataDir = scratch.path('data');
    this.signal = AbortSignal.timeout(options.limitMs ?? 120_000);
    this.#graceMs = options.graceMs ?? 100;
    this.#credentialsOf = options.credentialsOf ?? (async () => TEST_KEYS);
    this.#nodePath = options.nodePath?.(scratch);
  }

  get logs(): LogServiceClient {
    if (this.#client === undefined) throw new Error('the stage has no agent');
    return this.#client;
  }

  /** An agent starts. */
  async connect(): Promise<void> {
    const logger = {
      info: () => {},
      warn: (fields: object, message: string) => this.warnings.push({ fields, message }),
    };
    this.#client = await openLogService({
      ...this.#serviceOptions(),
      logger,
      credentialsOf: this.#credentialsOf,
    });
  }

  /** An agent starts and ends before it has reached the service. */
  async connectInVain(): Promise<void> {
    const { logs, opened } = beginLogService(this.#serviceOptions());
    const end = opened.then(
      () => 'reached',
      () => 'given up',
    );
    await logs.close();
    if ((await end) !== 'given up') throw new Error('the service was reached before the end');
  }

  /** Starts an agent in a process of its own, which has a container's log set up and may be killed. */
  async spawnAgent(request: LogRequest): Promise<AgentProcess> {
    const options = { ...this.#serviceOptions(), graceMs: 1_000 };
    const child = spawn(process.execPath, [AGENT, JSON.stringify(options), JSON.stringify(request)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#writers.push(child);
    const [line] = await once(createInterface(child.stdout), 'line');
    return {
      stdio: JSON.parse(String(line)) as ContainerStdio,
      kill: async () => {
        child.kill('SIGKILL');
        await once(child, 'exit');
      },
    };
  }

  /** The agent ends. */
  async disconnect(): Promise<void> {
    await this.#client?.close();
    this.#client = undefined;
  }

  request(name: string, changes: Partial<LogRequest> = {}): LogRequest {
    return {
      id: containerIdOf(TASK, name, 0),
      name: `ecs-web-3-${name}`,
      taskArn: TASK,
      driver: 'json-file',
      options: {},
      imageName: 'busybox:1',
      imageId: 'sha256:0f1e2d',
      command: ['sh'],
      labels: {},
      environment: {},
      createdAt: 1_767_225_600_000,
      ...changes,
    };
  }

  async prepare(
    name: string,
    options: Readonly<Record<string, string>> = {},
    changes: Partial<LogRequest> = {},
  ): Promise<Fifos & { id: ContainerId }> {
    const request = this.request(name, { options, ...changes });
    const stdio = await this.stdio(request);
    if (stdio.kind !== 'fifo') throw new Error(`stdio is ${stdio.kind}`);
    return { id: request.id, stdout: stdio.stdout, stderr: stdio.stderr };
  }

  /** Of a log that is ready. */
  async stdio(request: LogRequest): Promise<ContainerStdio> {
    const { stdio, ready } = await this.logs.prepare(request, { signal: this.signal });
    await ready;
    return stdio;
  }

  async finish(id: ContainerId): Promise<void> {
    await this.logs.finish(id, { signal: this.signal });
  }

  paths(id: ContainerId): ContainerLogPaths {
    return containerLogPaths(this, id);
  }

  /** Starts a shell that has the FIFOs as its output. */
  write(fifos: Fifos, script: string): ChildProcess {
    const redirect = `exec >'${fifos.stdout}' 2>'${fifos.stderr}'; ${script}`;
    const child = spawn('/bin/busybox', ['sh', '-c', redirect], { stdio: 'ignore' });
    this.#writers.push(child);
    return child;
  }

  /** Runs such a shell to its end; rejects when it does not succeed. */
  async run(fifos: Fifos, script: string): Promise<void> {
    await endOf(this.write(fifos, script));
  }

  #serviceOptions() {
    return {
      runDir: this.runDir,
      dataDir: this.dataDir,
      graceMs: this.#graceMs,
      region: 'us-west-2',
      userAgent: 'test-agent/1.0',
      ...(this.#nodePath !== undefined && { nodePath: this.#nodePath }),
    };
  }

  /** Pids of log services of this stage. */
  servicePids(): number[] {
    return hostProcesses()
      .filter(({ args }) => args.includes('--run-dir') && args.includes(this.runDir))
      .map(({ pid }) => pid);
  }

  async servicePid(): Promise<number> {
    return await until(() => this.servicePids()[0], { what: 'a log service runs' });
  }

  /** Kills the log service that runs. */
  async killService(): Promise<void> {
    const pid = await this.servicePid();
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid), { what: 'the log service is gone', intervalMs: 2 });
  }

  /** How many whole lines the current file has; for one that is being written, which may end anywhere. */
  linesSoFar(id: ContainerId): number {
    const { jsonLog } = this.paths(id);
    return existsSync(jsonLog) ? readFileSync(jsonLog, 'utf8').split('\n').length - 1 : 0;
  }

  /** Lines of the current file, which nobody writes to now. */
  jsonLines(id: ContainerId): JsonLine[] {
    return parseJsonLines(this.paths(id).jsonLog);
  }

  /** The text of one stream, put together from all plain files. */
  textOf(id: ContainerId, stream: 'stdout' | 'stderr'): string {
    return logFilesOldestFirst(this.paths(id).jsonLog)
      .flatMap(parseJsonLines)
      .filter((line) => line.stream === stream)
      .map(({ log = '' }) => log)
      .join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const writer of this.#writers) writer.kill('SIGKILL');
    await this.disconnect();
    await killAll(this.servicePids());
    await this.scratch.remove();
  }
}

/** Waits for a process; rejects when it failed. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`a writer ended with ${child.exitCode ?? child.signalCode}`);
}

export function parseJsonLines(path: string): JsonLine[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  if (text !== '' && !text.endsWith('\n')) throw new Error(`${path} ends in a torn line`);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as JsonLine);
}

/** Whether text is the numbers from 1 on, each once, in order; tells the first that is not. */
export function firstWrongNumber(text: string, count: number): string | undefined {
  const lines = text.split('\n');
  if (lines.pop() !== '') return 'the last line has no end';
  const wrong = lines.findIndex((line, index) => line !== String(index + 1));
  if (wrong >= 0) return `line ${wrong + 1} is "${lines[wrong]}"`;
  return lines.length === count ? undefined : `${lines.length} lines, not ${count}`;
}

export function modeOf(path: string): number {
  return statSync(path).mode & 0o777;
}
