import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { sleep } from '../async/deadline.ts';
import { CACHE_BESIDE_CODE } from '../host/compile-cache.ts';
import { programFile } from '../host/program-files.ts';
import { askAgent } from './agent-socket.ts';
import {
  type BackgroundProcess,
  findProcess,
  isRunning,
  startInBackground,
  stopInBackground,
  waitUntilReady,
} from './background.ts';
import { containerdConfig } from './containerd-config.ts';
import { removeNamespace } from './containerd-namespace.ts';
import { StackFiles, type StackRecord } from './stack-files.ts';

/** How a local stack is to be. */
export interface StackOptions {
  readonly directory: string;
  /** Use this containerd; absent: the system's if it answers, else one of the stack's own. */
  readonly containerdAddress?: string;
  /** Port of the control plane; 0: any free one. */
  readonly port: number;
  readonly cluster: string;
  /** Environment of the agent on top of what the stack needs. */
  readonly agentEnvironment?: Readonly<Record<string, string>>;
}

export const SYSTEM_CONTAINERD = '/run/containerd/containerd.sock';
export const REGION = 'us-west-2';
const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' };
const CONTAINERD_READY_MS = 30_000;
const AGENT_READY_MS = 60_000;
const CLEAN_UP_MS = 60_000;

/** containerd, control plane and agent of one developer's machine, as processes in the background. */
export class LocalStack {
  readonly files: StackFiles;
  readonly record: StackRecord;

  private constructor(files: StackFiles, record: StackRecord) {
    this.files = files;
    this.record = record;
  }

  /** Finds the stack that runs in a directory; says what to do when there is none. */
  static find(directory: string): LocalStack {
    const files = new StackFiles(directory);
    const record = files.read();
    if (record === undefined)
      throw new Error(`no local stack runs in ${directory}; start one with: npm run ecs-local -- up`);
    return new LocalStack(files, record);
  }

  /** Starts what is missing and resolves once the agent is registered and connected. */
  static async up(options: StackOptions): Promise<LocalStack> {
    const files = new StackFiles(options.directory);
    const before = files.read();
    if (before?.processes.every(isRunning) === true) return new LocalStack(files, before);
    if (before !== undefined) await new LocalStack(files, before).#stopProcesses();
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const processes: BackgroundProcess[] = [];
    try {
      const containerdAddress = await findContainerd(options, files, processes);
      const controlPlaneUrl = await startControlPlane(options, files, processes);
      const record: StackRecord = {
        version: 1,
        region: REGION,
        cluster: options.cluster,
        controlPlaneUrl,
        ...KEYS,
        containerdAddress,
        containerdNamespace: 'ecs-local',
        dataDir: files.path('agent-data'),
        runDir: files.path('agent-run'),
        processes,
      };
      await startAgent(options.agentEnvironment ?? {}, files, record, processes);
      files.write(record);
      return new LocalStack(files, record);
    } catch (error) {
      for (const started of processes.toReversed()) await stopInBackground(started);
      throw error;
    }
  }

  /**
   * Ends the stack and removes everything of it, also from a containerd that goes on. Tasks must be over before:
   * an agent that waits no longer than a second cleans up after them.
   */
  async down(): Promise<void> {
    await this.#stop('agent');
    const cleaner: BackgroundProcess[] = [];
    await startAgent({ ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1s' }, this.files, this.record, cleaner);
    const deadline = Date.now() + CLEAN_UP_MS;
    while ((await askAgent(this.record.runDir))?.tasks.length !== 0 && Date.now() < deadline)
      await sleep(100);
    for (const agent of cleaner) await stopInBackground(agent);
    const service = findProcess('log service', ['--run-dir', this.record.runDir]);
    if (service !== undefined) await stopInBackground(service);
    await removeNamespace(this.record);
    await this.#stopProcesses();
    rmSync(this.files.directory, { recursive: true, force: true });
  }

  async #stop(name: string): Promise<void> {
    for (const process of this.record.processes) if (process.name === name) await stopInBackground(process);
  }

  async #stopProcesses(): Promise<void> {
    for (const process of this.record.processes.toReversed()) await stopInBackground(process);
    this.files.forget();
  }
}

async function findContainerd(
  options: StackOptions,
  files: StackFiles,
  processes: BackgroundProcess[],
): Promise<string> {
  if (options.containerdAddress !== undefined) return options.containerdAddress;
  if (await answers(SYSTEM_CONTAINERD)) return SYSTEM_CONTAINERD;
  const address = files.path('containerd.sock');
  const config = files.path('containerd.toml');
  writeFileSync(
    config,
    containerdConfig(files.path('containerd-root'), files.path('containerd-state'), address),
  );
  const logFile = files.logFile('containerd');
  const containerd = startInBackground({
    name: 'containerd',
    command: 'containerd',
    args: ['-c', config],
    env: process.env,
    logFile,
  });
  processes.push(containerd);
  await waitUntilReady(containerd, logFile, CONTAINERD_READY_MS, () => answers(address));
  return address;
}

async function startControlPlane(
  options: StackOptions,
  files: StackFiles,
  processes: BackgroundProcess[],
): Promise<string> {
  const port = options.port === 0 ? await freePort() : options.port;
  const logFile = files.logFile('control-plane');
  const controlPlane = startInBackground({
    name: 'control plane',
    command: process.execPath,
    args: [
      programFile('control-plane'),
      '--port',
      String(port),
      '--state-dir',
      files.path('control-plane'),
      '--region',
      REGION,
      '--access-key',
      KEYS.accessKeyId,
      '--secret-key',
      KEYS.secretAccessKey,
    ],
    env: { NODE_COMPILE_CACHE: CACHE_BESIDE_CODE, ...process.env },
    logFile,
  });
  processes.push(controlPlane);
  await waitUntilReady(controlPlane, logFile, AGENT_READY_MS, () => answers(port));
  return `http://127.0.0.1:${port}`;
}

async function startAgent(
  environment: Readonly<Record<string, string>>,
  files: StackFiles,
  record: StackRecord,
  processes: BackgroundProcess[],
): Promise<void> {
  mkdirSync(record.dataDir, { recursive: true, mode: 0o700 });
  const logFile = files.logFile('agent');
  const agent = startInBackground({
    name: 'agent',
    command: process.execPath,
    args: [programFile('main')],
    env: {
      ...process.env,
      ECS_IGNORE_CONFIG_FILES: 'true',
      ECS_BACKEND_HOST: record.controlPlaneUrl,
      // Without a cluster configured the agent makes `default` if it is not there.
      ECS_CLUSTER: record.cluster === 'default' ? '' : record.cluster,
      AWS_DEFAULT_REGION: record.region,
      AWS_ACCESS_KEY_ID: record.accessKeyId,
      AWS_SECRET_ACCESS_KEY: record.secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
      ECS_DATADIR: record.dataDir,
      ECS_RUN_DIR: record.runDir,
      ECS_AUDIT_LOGFILE: files.logFile('audit'),
      ECS_CONTAINERD_ADDRESS: record.containerdAddress,
      ECS_CONTAINERD_NAMESPACE: record.containerdNamespace,
      ...environment,
    },
    logFile,
  });
  processes.push(agent);
  await waitUntilReady(
    agent,
    logFile,
    AGENT_READY_MS,
    async () => (await askAgent(record.runDir))?.acs.connected === true,
  );
}

/** Whether something listens on a unix socket or a loopback port. */
export async function answers(where: string | number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = typeof where === 'string' ? connect(where) : connect(where, '127.0.0.1');
    const done = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once('connect', () => done(true)).once('error', () => done(false));
  });
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  return await new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address !== null ? resolve(address.port) : reject(),
      );
    });
  });
}
