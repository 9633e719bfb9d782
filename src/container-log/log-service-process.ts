import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LogDirectories, serviceLogPath } from './log-paths.ts';

export interface LogServiceProcessOptions extends LogDirectories {
  /** The Node that runs it; default: ours. */
  readonly nodePath?: string;
  /** Without agent and containers it ends after this; default 5 000. */
  readonly graceMs?: number;
}

/** A start of the log service. Its process may also end at once because another one runs. */
export interface StartedLogService {
  readonly running: boolean;
}

/**
 * Starts the log service in a session of its own, so that it outlives us and our terminal. Its errors go to its
 * log file; it shares nothing else with us, not even the environment, which may hold secrets.
 */
export function startLogService(options: LogServiceProcessOptions): StartedLogService {
  const { runDir, dataDir } = options;
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const output = openSync(serviceLogPath(options), 'a', 0o600);
  const source = import.meta.url.endsWith('.ts');
  const program = fileURLToPath(new URL(source ? './service/main.ts' : './log-service.js', import.meta.url));
  const args = ['--max-semi-space-size=1', program, '--run-dir', runDir, '--data-dir', dataDir];
  if (options.graceMs !== undefined) args.push('--grace-ms', String(options.graceMs));
  let running = true;
  const ended = () => {
    running = false;
  };
  const child = spawn(options.nodePath ?? process.execPath, args, {
    cwd: '/',
    detached: true,
    stdio: ['ignore', output, output],
    env: {
      PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      // Stripping types takes Node 17 MB; from its cache it takes none.
      ...(source && { NODE_COMPILE_CACHE: join(dataDir, 'log-service-cache') }),
    },
  });
  closeSync(output);
  child.on('error', ended);
  child.on('exit', ended);
  child.unref();
  return {
    get running() {
      return running;
    },
  };
}
