import { constants, mkdirSync, openSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { sleep } from '../../async/deadline.ts';

/** How long output may come after the exec's end; a child that kept the pipe open must not hold it up. */
const DRAIN_MS = 500;

/** One FIFO for both outputs of an exec, read from the start and kept up to a limit. */
export class ExecOutput implements Disposable {
  readonly path: string;
  readonly #limit: number;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #kept = 0;

  private constructor(path: string, fd: number, limit: number) {
    this.path = path;
    this.#limit = limit;
    this.#socket = new Socket({ fd, readable: true, writable: false });
    this.#socket.on('data', (chunk: Buffer) => this.#keep(chunk));
    this.#socket.once('end', () => this.#ended.resolve());
    this.#socket.once('error', () => this.#ended.resolve());
  }

  /** Makes the FIFO `name` in `directory` and begins to read. */
  static async open(directory: string, name: string, limit: number): Promise<ExecOutput> {
    const { ensureFifo } = await import('../../host/pipe-io.ts');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    const path = join(directory, name);
    ensureFifo(path, 0o600);
    // Never waits for a writer, and the reader is there before the shim opens its end.
    return new ExecOutput(path, openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), limit);
  }

  /** What was written, after the end of the exec: waits for the end of the output, but not for long. */
  async finish(): Promise<string> {
    const timer = new AbortController();
    await Promise.race([this.#ended.promise, sleep(DRAIN_MS, timer.signal).catch(() => undefined)]);
    timer.abort(new Error('the output has ended'));
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
    unlinkSync(this.path);
  }

  /** Reads on past the limit, as a full pipe would stop the program. */
  #keep(chunk: Buffer): void {
    const room = this.#limit - this.#kept;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#kept += Math.min(room, chunk.length);
  }
}
