import { closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { sleep } from '../../async/deadline.ts';

/** How long output may come after the end; a child that kept the pipe open must not hold it up. */
const DRAIN_MS = 200;

/**
 * One FIFO for both outputs of a process, read from the start and kept up to a limit. The shim opens it once
 * for each output, and may have closed it for the first before it opens it for the second: a writing end of
 * our own keeps the reader from taking that for the end, and the second open from waiting for ever.
 */
export class ExecOutput implements Disposable {
  readonly path: string;
  readonly #limit: number;
  readonly #socket: Socket;
  readonly #chunks: Buffer[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #kept = 0;
  #keeper: number | undefined;

  private constructor(path: string, limit: number) {
    this.path = path;
    // Neither open waits for the other side.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    this.#keeper = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
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
    return new ExecOutput(path, limit);
  }

  /** What was written, once the process has ended: waits for the end of the output, but not for long. */
  async finish(): Promise<string> {
    this.#letGo();
    const timer = new AbortController();
    await Promise.race([this.#ended.promise, sleep(DRAIN_MS, timer.signal).catch(() => undefined)]);
    timer.abort(new Error('the output has ended'));
    return Buffer.concat(this.#chunks).toString('utf8');
  }

  [Symbol.dispose](): void {
    this.#letGo();
    this.#socket.destroy();
    rmSync(this.path, { force: true });
  }

  #letGo(): void {
    if (this.#keeper !== undefined) closeSync(this.#keeper);
    this.#keeper = undefined;
  }

  /** Reads on past the limit, as a full pipe would stop the program. */
  #keep(chunk: Buffer): void {
    const room = this.#limit - this.#kept;
    if (room <= 0) return;
    this.#chunks.push(chunk.subarray(0, room));
    this.#kept += Math.min(room, chunk.length);
  }
}
