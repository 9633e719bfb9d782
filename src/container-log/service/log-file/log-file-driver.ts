import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { DriverContext, LogDriver, PumpResult } from '../driver.ts';
import { type LogMessage, MAX_MESSAGE_BYTES } from '../log-message.ts';
import type { SpoolPosition } from '../spool-reader.ts';
import { compressLogFile } from './compress-file.ts';
import type { EntryFormat, LogFileOptions } from './entry-format.ts';
import { shiftLogFiles } from './log-files.ts';

const OUTPUT_BYTES = 512 * 1024;
/** In place of a descriptor: the file is opened at the next write. */
const CLOSED = -1;

/**
 * Keeps a log in files of this host, for the drivers `json-file` and `local`. Writes each message exactly once, also across death at any line. A batch is appended first, then the
 * checkpoint says how far the spool is read and how long the log is. What the log has beyond that length was
 * written by a run that died between the two: the same messages come again, are compared with it and passed
 * over. The file is not simply cut there, because whoever follows it would take that for a new file.
 *
 * A rotation is announced in the checkpoint before it begins; until it is recorded as done nothing is written,
 * so a current file that is absent or empty tells that it was done.
 */
export class LogFileDriver implements LogDriver {
  readonly #context: DriverContext;
  readonly #options: LogFileOptions;
  readonly #path: string;
  readonly #format: EntryFormat;
  readonly #worstEntry: number;
  readonly #stop = new AbortController();
  #fd: number;
  #size: number;
  /** Up to here the log's content is known to be ours and delivered; below `#size` only after a crash. */
  #known: number;
  #savedSegment = 0;
  #countedSkips = 0;
  #failing = false;
  /** What the messages in the output come to. */
  #batch = { lines: 0, bytes: 0, parts: 0 };
  #compressing: Promise<void> | undefined;

  /** `path`: of the current file. */
  constructor(context: DriverContext, path: string, format: EntryFormat, options: LogFileOptions) {
    this.#context = context;
    this.#options = options;
    this.#path = path;
    this.#format = format;
    this.#worstEntry = format.worstCase(MAX_MESSAGE_BYTES);
    const last = context.position.last?.driver;
    const rotating = last?.rotating === true;
    if (rotating) this.#finishRotation();
    this.#fd = openSync(this.#path, 'a+', 0o640);
    this.#size = fstatSync(this.#fd).size;
    const recorded = rotating ? 0 : last?.logBytes;
    this.#known = typeof recorded === 'number' ? Math.min(recorded, this.#size) : this.#size;
    this.#save(context.reader.position(), { logBytes: this.#known });
    this.#compressRotated();
  }

  pump(): PumpResult {
    return this.#fill(() => this.#context.reader.next());
  }

  hasUndelivered(): boolean {
    return false;
  }

  async finish(signal: AbortSignal): Promise<void> {
    while (this.#fill(() => this.#context.reader.takeRest()) !== 'idle') {
      signal.throwIfAborted();
      await this.#compressing;
    }
    await this.#compressing;
    this.#save(this.#context.reader.position(), { logBytes: this.#size }, true);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#compressing;
    if (this.#fd !== CLOSED) closeSync(this.#fd);
    this.#fd = CLOSED;
  }

  /** Turns messages into lines until there are none or the output is full, and writes them. */
  #fill(take: () => LogMessage | undefined): PumpResult {
    const { reader, memory } = this.#context;
    const output = memory.output(Math.max(OUTPUT_BYTES, 2 * this.#worstEntry));
    let end = 0;
    let result: PumpResult = 'idle';
    for (;;) {
      let beforeRotation: SpoolPosition | undefined;
      // Not by the file's size: what a dead run wrote comes again and must meet the same rotations.
      if (this.#known + end >= this.#options.maxBytes) {
        if (this.#compressing !== undefined) {
          result = 'waiting';
          break;
        }
        beforeRotation = reader.position();
      }
      const message = take();
      if (message === undefined) break;
      if (beforeRotation !== undefined) {
        this.#write(output, end, beforeRotation);
        end = 0;
        this.#rotate(beforeRotation);
      }
      end = this.#format.encode(message, output, end);
      this.#batch.bytes += message.bytes.length;
      if (message.partial !== undefined) this.#batch.parts += 1;
      if (message.partial?.last !== false) this.#batch.lines += 1;
      if (end + this.#worstEntry > output.length) {
        result = 'more';
        break;
      }
    }
    this.#write(output, end, reader.position());
    return result;
  }

  /** Appends the batch, then records the position behind it. */
  #write(output: Buffer, length: number, position: SpoolPosition): void {
    const { counters, reader, log, config } = this.#context;
    let passed = 0;
    let written = 0;
    try {
      if (this.#fd === CLOSED) this.#fd = openSync(this.#path, 'a+', 0o640);
      passed = this.#passOver(output, length);
      written = passed;
      while (written < length) written += writeSync(this.#fd, output, written, length - written);
      this.#failing = this.#failing && length === 0;
    } catch (error) {
      if (!this.#failing) log.error('log file cannot be written', error, { container: config.container.id });
      this.#failing = true;
    }
    if (written < length) this.#dropFrom(output, written, length);
    counters.linesDelivered += this.#batch.lines;
    counters.bytesDelivered += this.#batch.bytes;
    counters.partialMessages += this.#batch.parts;
    this.#batch = { lines: 0, bytes: 0, parts: 0 };
    if (length > 0 && this.#fd !== CLOSED) this.#size = fstatSync(this.#fd).size;
    if (length > 0) this.#known = passed === length ? this.#known + length : this.#size;
    if (reader.skippedLines > this.#countedSkips) {
      const reason = config.mode === 'blocking' ? 'disk' : 'ring';
      counters.drop(reason, reader.skippedLines - this.#countedSkips, 0);
      this.#countedSkips = reader.skippedLines;
    }
    if (length > 0 || position.segment !== this.#savedSegment)
      this.#save(position, { logBytes: this.#known });
  }

  /** The disk took only a part of the output: of an entry that is there in part nothing stays. */
  #dropFrom(output: Buffer, written: number, length: number): void {
    let whole = 0;
    for (const { end, bytes, endsLine } of this.#format.measure(output.subarray(0, length))) {
      if (end <= written) {
        whole = end;
        continue;
      }
      const lines = endsLine ? 1 : 0;
      this.#batch.lines -= lines;
      this.#batch.bytes -= bytes;
      this.#context.counters.drop('disk', lines, bytes);
    }
    if (written > whole) ftruncateSync(this.#fd, fstatSync(this.#fd).size - (written - whole));
  }

  /**
   * Gives how many bytes of the output are in the log already. What differs there is no line of ours that was
   * ever recorded, most likely a torn or unfinished one: it is cut off.
   */
  #passOver(output: Buffer, length: number): number {
    const ahead = Math.min(this.#size - this.#known, length);
    if (ahead <= 0) return 0;
    const present = Buffer.alloc(ahead);
    const read = readSync(this.#fd, present, 0, ahead, this.#known);
    if (read === ahead && present.equals(output.subarray(0, ahead))) return ahead;
    this.#context.log.warn('end of the log file is not what was written: it is written again', {
      container: this.#context.config.container.id,
      bytes: this.#size - this.#known,
    });
    ftruncateSync(this.#fd, this.#known);
    this.#size = this.#known;
    return 0;
  }

  #save(
    position: SpoolPosition,
    driver: { readonly logBytes: number; readonly rotating?: boolean },
    ended = false,
  ): void {
    const { log, config, spool } = this.#context;
    try {
      this.#context.position.save({ position, ended, driver });
      this.#savedSegment = position.segment;
      spool.releaseBefore(position.segment);
    } catch (error) {
      // The record before stays valid: after a crash more lines are compared, and the spool is kept for that.
      log.error('position cannot be recorded', error, { container: config.container.id });
    }
  }

  #rotate(position: SpoolPosition): void {
    this.#save(position, { logBytes: this.#size, rotating: true });
    const { log, config } = this.#context;
    closeSync(this.#fd);
    this.#fd = CLOSED;
    try {
      shiftLogFiles(this.#path, this.#options.maxFiles);
    } catch (error) {
      log.error('log files cannot be rotated: the current one is emptied', error, {
        container: config.container.id,
      });
      rmSync(this.#path, { force: true });
    }
    this.#size = 0;
    this.#known = 0;
    this.#save(position, { logBytes: 0 });
    this.#compressRotated();
  }

  /** After a crash: a rotation had been announced. */
  #finishRotation(): void {
    if (existsSync(this.#path) && statSync(this.#path).size > 0)
      shiftLogFiles(this.#path, this.#options.maxFiles);
  }

  #compressRotated(): void {
    const path = `${this.#path}.1`;
    if (!this.#options.compress || !existsSync(path)) return;
    const { log, config, wake } = this.#context;
    this.#compressing = compressLogFile(path, this.#format, this.#stop.signal)
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted)
          log.error('rotated log file stays uncompressed', error, { container: config.container.id });
      })
      .finally(() => {
        this.#compressing = undefined;
        wake();
      });
  }
}
