import type { Duplex } from 'node:stream';
import { sleep } from '../../async/deadline.ts';
import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';
import type { ExecRequest, ExecResult } from '../runtime.ts';
import type { DockerClient } from './docker-client.ts';
import { createdSchema, execSchema } from './docker-documents.ts';
import { DockerError, hasStatus } from './docker-error.ts';

const POLL_MS = 20;
/** What a process may still have to say when it has ended and a child holds its output open. */
const LAST_WORDS_MS = 50;
/** What dockerd takes, at most, to say why it could not run a command, once it has noted that it could not. */
const REASON_MS = 1_000;
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const START_MS = 30_000;
/** Bytes of the header of a frame: stream, three of padding, length (Docker Engine API, ContainerAttach). */
const HEADER_BYTES = 8;

/** Runs a command in a running container; when the signal aborts it is killed. */
export async function execInContainer(
  client: DockerClient,
  dockerId: string,
  { args, environment = {}, user, outputLimit }: ExecRequest,
  signal: AbortSignal,
): Promise<ExecResult> {
  const body = {
    AttachStdout: true,
    AttachStderr: true,
    Cmd: args,
    Env: Object.entries(environment).map(([key, value]) => `${key}=${value}`),
    ...(user !== undefined && { User: user }),
  };
  const { Id } = await client
    .call('POST', `/containers/${dockerId}/exec`, createdSchema, { body, signal })
    .catch((error: unknown) => {
      if (hasStatus(error, 409)) throw new TaskError('DockerStateError', error.message, { cause: error });
      throw error;
    });
  const inspect = async (call: AbortSignal) =>
    await client.call('GET', `/exec/${Id}/json`, execSchema, { signal: call });
  // Not cut by the caller's signal: it would leave the command running.
  const stream = await client
    .hijack(`/exec/${Id}/start`, { body: {}, signal: AbortSignal.timeout(START_MS) })
    .catch((error: unknown) => {
      if (error instanceof DockerError)
        return { exitCode: exitCodeOf(error.message, undefined), output: error.message };
      throw error;
    });
  if ('exitCode' in stream) return stream;
  const output = new FrameReader(outputLimit);
  let closed = false;
  const ended = output.read(stream).finally(() => {
    closed = true;
  });
  try {
    for (;;) {
      const wasClosed = closed;
      const { Running, ExitCode } = await inspect(signal);
      // dockerd gives the stream before it begins to start the command: neither running nor ended says that it has
      // not come to it yet, or, when it has closed the stream, that it never will.
      if (!Running && (typeof ExitCode === 'number' || wasClosed)) {
        await Promise.race([ended, sleep(ExitCode === NOT_EXECUTABLE ? REASON_MS : LAST_WORDS_MS)]);
        return { exitCode: exitCodeOf(output.text, ExitCode ?? undefined), output: output.text };
      }
      await Promise.race([ended.then(() => sleep(1, signal)), sleep(POLL_MS, signal)]);
    }
  } catch (error) {
    const { Pid, Running } = await inspect(AbortSignal.timeout(10_000));
    if (Running) killProcess(Pid ?? 0);
    signal.throwIfAborted();
    throw error;
  } finally {
    stream.destroy();
  }
}

/** dockerd says 126 for whatever cannot be run; what is not there is 127 for everybody else. */
function exitCodeOf(text: string, exitCode: number | undefined): number {
  if (exitCode !== undefined && exitCode !== NOT_EXECUTABLE) return exitCode;
  const failed = /^OCI runtime exec failed/.test(text) || exitCode === undefined;
  return failed && /no such file or directory|executable file not found/.test(text)
    ? NOT_FOUND
    : NOT_EXECUTABLE;
}

/** Takes the frames of an output apart and keeps the first bytes of what is in them. */
class FrameReader {
  readonly #limit: number;
  readonly #kept: Buffer[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get text(): string {
    return Buffer.concat(this.#kept).toString();
  }

  async read(stream: Duplex): Promise<void> {
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of stream) {
        rest = Buffer.concat([rest, z.instanceof(Buffer).parse(chunk)]);
        while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUInt32BE(4)) {
          const end = HEADER_BYTES + rest.readUInt32BE(4);
          this.#keep(rest.subarray(HEADER_BYTES, end));
          rest = rest.subarray(end);
        }
      }
    } catch {
      // Its end is seen by what became of the command.
    }
  }

  #keep(bytes: Buffer): void {
    const room = this.#limit - this.#length;
    if (room <= 0) return;
    const kept = bytes.subarray(0, room);
    this.#kept.push(Buffer.from(kept));
    this.#length += kept.length;
  }
}

function killProcess(pid: number): void {
  if (pid <= 1) return;
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself.
  }
}
