import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { sleep } from '../async/deadline.ts';

/** A process that outlives the command which started it; told apart from later users of its pid by its start. */
export interface BackgroundProcess {
  readonly name: string;
  readonly pid: number;
  /** Start time in kernel ticks since boot (proc(5), stat field 22). */
  readonly startTicks: string;
}

export interface BackgroundOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** Starts a process in a session of its own, with its output in a file. */
export function startInBackground(options: BackgroundOptions): BackgroundProcess {
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.command, options.args, {
    detached: true,
    env: options.env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.on('error', () => {});
  child.unref();
  if (child.pid === undefined) throw new Error(`${options.command} could not be started; is it installed?`);
  return { name: options.name, pid: child.pid, startTicks: startTicksOf(child.pid) ?? '' };
}

/** The process with these words one after the other in its command line, if there is one. */
export function findProcess(name: string, words: readonly string[]): BackgroundProcess | undefined {
  const wanted = `\0${words.join('\0')}\0`;
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const startTicks = Number.isInteger(pid) ? startTicksOf(pid) : undefined;
    if (startTicks !== undefined && commandLineOf(pid).includes(wanted)) return { name, pid, startTicks };
  }
  return undefined;
}

/** Whether that very process still runs. */
export function isRunning(process: BackgroundProcess): boolean {
  return startTicksOf(process.pid) === process.startTicks;
}

/** SIGTERM, then SIGKILL when it has not ended after `graceMs`. Gone already: fine. */
export async function stopInBackground(target: BackgroundProcess, graceMs = 10_000): Promise<void> {
  if (!isRunning(target)) return;
  process.kill(target.pid, 'SIGTERM');
  const deadline = Date.now() + graceMs;
  while (isRunning(target)) {
    if (Date.now() > deadline) process.kill(target.pid, 'SIGKILL');
    await sleep(20);
  }
}

/** Waits until `ready` holds; fails early, with the end of its log, when the process ends. */
export async function waitUntilReady(
  target: BackgroundProcess,
  logFile: string,
  timeoutMs: number,
  ready: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await ready())) {
    const ended = !isRunning(target);
    if (ended || Date.now() > deadline)
      throw new Error(
        `${target.name} ${ended ? 'ended at once' : `was not ready after ${timeoutMs / 1000} s`}; ` +
          `its log (${logFile}) ends with:\n${lastLines(logFile, 8)}`,
      );
    await sleep(20);
  }
}

function lastLines(file: string, count: number): string {
  if (!existsSync(file)) return '(empty)';
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/** Undefined when there is no such process, or only its zombie. */
function startTicksOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
