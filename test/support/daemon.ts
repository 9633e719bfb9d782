import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { until } from './until.ts';

export interface DaemonOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Both outputs are appended there. */
  readonly logFile: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Resolves or returns true once the daemon serves. */
  readonly ready: () => boolean | Promise<boolean>;
  /** Until it serves; default 20 000. */
  readonly readyTimeoutMs?: number;
  /** What it gets when this process dies; TERM for one that has children to end. Default KILL. */
  readonly deathSignal?: 'KILL' | 'TERM';
}

/** A running child process. */
export interface Daemon {
  readonly pid: number;
  /** Exit status; null while it runs and when a signal has ended it. */
  readonly exitCode: number | null;
  /** Signals it and waits for its end; resolves at once when it has ended already. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** SIGTERM, then SIGKILL after 10 s. */
  stop(): Promise<void>;
}

/**
 * Starts a daemon and waits until it serves. It dies with this process (PR_SET_PDEATHSIG), so that a killed
 * test run leaves no daemon behind.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const log = openSync(options.logFile, 'a');
  const child = spawn(
    'setpriv',
    ['--pdeathsig', options.deathSignal ?? 'KILL', '--', options.command, ...options.args],
    {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options.env },
    },
  );
  closeSync(log);
  const ended = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.command} did not start`, { cause: await ended });

  const kill = async (signal: NodeJS.Signals) => {
    if (hasEnded()) return;
    child.kill(signal);
    await ended;
  };
  const stop = async () => {
    const force = setTimeout(() => child.kill('SIGKILL'), 10_000);
    try {
      await kill('SIGTERM');
    } finally {
      clearTimeout(force);
    }
  };
  try {
    await until(async () => hasEnded() || (await options.ready()), {
      what: `${options.command} serves`,
      timeoutMs: options.readyTimeoutMs ?? 20_000,
    });
    if (hasEnded()) throw new Error(`${options.command} ended at once`);
  } catch (error) {
    await kill('SIGKILL');
    throw new Error(
      `${options.command} did not come up: ${readFileSync(options.logFile, 'utf8').slice(-2000)}`,
      {
        cause: error,
      },
    );
  }
  return {
    pid,
    get exitCode() {
      return child.exitCode;
    },
    kill,
    stop,
  };
}

/** Whether something accepts connections on a unix socket path or a port, of loopback unless told otherwise. */
export async function accepts(where: string | number, address = '127.0.0.1'): Promise<boolean> {
  const socket = typeof where === 'string' ? connect(where) : connect(where, address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
