import { spawn } from 'node:child_process';

export interface CommandOptions {
  /** Kills the command with SIGKILL; the call then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  readonly input?: string;
  /** The command's whole environment; absent: PATH alone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** How a command ended; `exitCode` is null when a signal ended it. */
export interface CommandResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. A failing status is a result; it rejects when the program cannot be started
 * (`code` ENOENT: it is not there) and with the signal's reason.
 */
export type RunCommand = (
  program: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

/** Where administrators' programs are, whatever PATH the agent was given. */
export const COMMAND_PATH = '/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin';
/** Much more than any program that we run has to say. */
const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** Runs programs of the host. */
export const runCommand: RunCommand = async (program, args, { signal, input = '', env }) => {
  signal.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: env ?? { PATH: COMMAND_PATH },
    signal,
    killSignal: 'SIGKILL',
  });
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  // A program that does not read its input closes the pipe: that is its own affair.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once('error', reject);
  child.once('close', (exitCode) => resolve(exitCode));
  try {
    return { exitCode: await promise, stdout: stdout(), stderr: stderr() };
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
};

/** Whether an error of `runCommand` says that the program is not there. */
export function isProgramMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (size <= OUTPUT_LIMIT) chunks.push(chunk);
  });
  return () => Buffer.concat(chunks).toString();
}
