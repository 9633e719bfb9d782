import { spawn } from 'node:child_process';
import { type AgentDocument, askAgent } from '../../src/ecs-local/agent-socket.ts';
import { AGENT_PROGRAM, type AgentOptions, agentEnvironment } from './agent.ts';

/** An agent whose output and exit status a test looks at; it need not come up. */
export interface LaunchedAgent extends AsyncDisposable {
  readonly pid: number;
  readonly options: Omit<AgentOptions, 'logFile' | 'ready'>;
  /** Both outputs so far. */
  output(): string;
  /** The records of its log so far; lines that are no JSON are left out. */
  log(): readonly LogRecord[];
  /** Exit status once it has ended; a signal gives its name. */
  readonly ended: Promise<number | string>;
  ask(): Promise<AgentDocument | undefined>;
  signal(name: NodeJS.Signals): void;
}

export interface LogRecord {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** Starts an agent and does not wait for anything. It dies with this process. */
export function launchAgent(options: Omit<AgentOptions, 'logFile' | 'ready'>): LaunchedAgent {
  const env = agentEnvironment({ ...options, logFile: '' });
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', process.execPath, AGENT_PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  const output = () => Buffer.concat(chunks).toString();
  return {
    pid: child.pid ?? 0,
    options,
    output,
    log: () => output().split('\n').flatMap(logRecord),
    ended,
    ask: () => askAgent(options.runDir),
    signal: (name) => void child.kill(name),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(force);
    },
  };
}

function logRecord(line: string): readonly LogRecord[] {
  try {
    return [JSON.parse(line)];
  } catch {
    return [];
  }
}
