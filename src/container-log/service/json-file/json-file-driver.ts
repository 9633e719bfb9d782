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
import { type JsonFileOptions, parseJsonFileOptions } from './json-file-options.ts';
import { JsonLineEncoder } from './json-line.ts';
import { shiftLogFiles } from './log-files.ts';

const OUTPUT_BYTES = 512 * 1024;

/** One message of the batch that is being put together. */
interface BatchEntry {
  /** Where its line ends in the output. */
  readonly end: number;
  readonly bytes: number;
  readonly endsLine: boolean;
  readonly partial: boolean;
}

/** Sets up the driver `json-file` (logging.md §15). */
export async function openJsonFileDriver(context: DriverContext): Promise<LogDriver> {
  return new JsonFileDriver(context, parseJsonFileOptions(context.config.options));
}

/**
 * Writes each message exactly once, also across death at any line. A batch is appended first, then the
 * checkpoint says how far the spool is read and how long the log is. What the log has beyond that length was
 * written by a run that died between the two: the same messages come again, are compared with it and passed
 * over. The file is not simply cut there, because whoever follows it would take that for a new file.
 *
 * A rotation is announced in the checkpoint before it begins; until it is recorded as done nothing is written,
 * so a current file that is absent or empty tells that it was done.
 */
class JsonFileDriver implements LogDriver {
  readonly #context: DriverContext;
  readonly #options: JsonFileOptions;
  readonly #path: string;
  readonly #encoder: JsonLineEncoder;
  readonly #worstLine: number;
  readonly #stop = new AbortController();
  #fd: number;
  #size: number;
  /** Up to here the log's content is known to be ours and delivered; below `#size` only after a crash. */
  #known: number;
  #savedSegment = 0;
  #countedSkips = 0;
  #failing = false;
  #batch: BatchEntry[] = [];
  #compressing: Promise<void> | undefined;

  constructor(context: DriverContext, options: JsonFileOptions) {
    this.#context = context;
    this.#options = options;
    this.#path = context.paths.jsonLog;
    this.#encoder = new JsonLineEncoder({
      ...context.config.attributes,
      ...(context.config.tag === undefined ? {} : { tag: context.config.tag }),
    });
    this.#worstLine = this.#encoder.worstCase(MAX_MESSAGE_BYTES);
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
    closeSync(this.#fd);
  }

  /** Turns messages into lines until there are none or the output is full, and writes them. */
  #fill(take: () => LogMessage | undefined): PumpResult {
    const { reader, memory } = this.#context;
    const output = memory.output(Math.max(OUTPUT_BYTES, 2 * this.#worstLine));
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
      end = this.#encoder.encode(message, output, end);
      const { partial, bytes } = message;
      const endsLine = partial === undefined || partial.last;
      this.#batch.push({ end, bytes: bytes.length, endsLine, partial: partial !== undefined });
      if (end + this.#worstLine > output.length) {
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
      passed = this.#passOver(output, length);
      written = passed;
      while (written < length) written += writeSync(this.#fd, output, written, length - written);
      this.#failing = this.#failing && length === 0;
    } catch (error) {
      if (!this.#failing) log.error('log file cannot be written', error, { container: config.container.id });
      this.#failing = true;
    }
    this.#account(written, length);
    if (length > 0) this.#known = passed === length ? this.#known + length : this.#size;
    if (reader.skippedLines > this.#countedSkips) {
      counters.drop('disk', reader.skippedLines - this.#countedSkips, 0);
      this.#countedSkips = reader.skippedLines;
    }
    if (length > 0 || position.segment !== this.#savedSegment)
      this.#save(position, { logBytes: this.#known });
  }

  /** Counts what was written and what not; of a line that is there in part, nothing stays. */
  #account(written: number, length: number): void {
    const { counters } = this.#context;
    let whole = 0;
    for (const entry of this.#batch) {
      if (entry.end <= written) {
        whole = entry.end;
        counters.bytesDelivered += entry.bytes;
        if (entry.endsLine) counters.linesDelivered += 1;
        if (entry.partial) counters.partialMessages += 1;
      } else counters.drop('disk', entry.endsLine ? 1 : 0, entry.bytes);
    }
    this.#batch = [];
    if (length === 0) return;
    this.#size = fstatSync(this.#fd).size;
    if (written > whole) {
      this.#size -= written - whole;
      ftruncateSync(this.#fd, this.#size);
    }
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
    try {
      shiftLogFiles(this.#path, this.#options.maxFiles);
    } catch (error) {
      log.error('log files cannot be rotated: the current one is emptied', error, {
        container: config.container.id,
      });
      rmSync(this.#path, { force: true });
    }
    this.#fd = openSync(this.#path, 'a+', 0o640);
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
    this.#compressing = compressLogFile(path, this.#stop.signal)
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
