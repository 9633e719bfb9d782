import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { ownFile, programFile, RUNS_FROM_SOURCE } from '../host/program-files.ts';
import { runsUnderSystemd } from '../host/service-manager.ts';
import { type LogDirectories, serviceLogPath } from './log-paths.ts';
import { type LogServiceCommand, logServiceUnitArguments } from './log-service-unit.ts';

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

/** How long a unit that systemd has started may take until it serves. */
const UNIT_STARTUP_MS = 10_000;

/**
 * Starts the log service so that it outlives us: a unit of its own where systemd started us (a process left in
 * our unit would end with it), else in a session of its own. It shares nothing else with us.
 */
export function startLogService(options: LogServiceProcessOptions): StartedLogService {
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  const command = logServiceCommand(options);
  return runsUnderSystemd(process.env) ? startUnit(command, options) : startDetached(command);
}

function logServiceCommand(options: LogServiceProcessOptions): LogServiceCommand {
  const { runDir, dataDir, graceMs, nodePath = process.execPath } = options;
  const program = programFile('log-service');
  const command = [nodePath, '--max-semi-space-size=1', program, '--run-dir', runDir, '--data-dir', dataDir];
  return {
    command: graceMs === undefined ? command : [...command, '--grace-ms', String(graceMs)],
    env: {
      PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin',
      // Stripping types takes Node up to 40 MB; from its cache it takes none.
      ...(RUNS_FROM_SOURCE && { NODE_COMPILE_CACHE: ownFile('node_modules/.cache/log-service') }),
    },
    outputFile: serviceLogPath(options),
  };
}

function startDetached({ command, env, outputFile }: LogServiceCommand): StartedLogService {
  const [program = '', ...args] = command;
  const output = openSync(outputFile, 'a', 0o600);
  let running = true;
  const ended = () => {
    running = false;
  };
  const child = spawn(program, args, { cwd: '/', detached: true, stdio: ['ignore', output, output], env });
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

/** systemd-run ends as soon as the service is executed; a unit that runs already makes it fail, which is fine. */
function startUnit(command: LogServiceCommand, directories: LogDirectories): StartedLogService {
  closeSync(openSync(command.outputFile, 'a', 0o600));
  let runsUntilMs = Number.POSITIVE_INFINITY;
  let detached: StartedLogService | undefined;
  const child = spawn('systemd-run', logServiceUnitArguments(command, directories), { stdio: 'ignore' });
  child.on('error', () => {
    detached = startDetached(command);
  });
  child.on('exit', (exitCode) => {
    runsUntilMs = exitCode === 0 ? performance.now() + UNIT_STARTUP_MS : 0;
  });
  return {
    get running() {
      return detached?.running ?? performance.now() < runsUntilMs;
    },
  };
}
