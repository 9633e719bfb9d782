import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerId } from '../task/ids.ts';
import { DirectoryChange } from './directory-change.ts';
import { JSON_FILE_FORMAT } from './json-file-format.ts';
import { LOCAL_FORMAT } from './local-format.ts';
import { parseLogConfig } from './log-config.ts';
import { LineJoiner, type LogEntry, type LogLine } from './log-entries.ts';
import { type FiledLog, LogFileCursor } from './log-file-cursor.ts';
import { containerLogPaths } from './log-paths.ts';
import { MAX_MESSAGE_BYTES } from './service/log-message.ts';
import { readCheckpoint } from './service/position-file.ts';

export type { LogLine } from './log-entries.ts';

export interface ReadLogsOptions {
  readonly dataDir: string;
  readonly id: ContainerId;
  /** Only the last lines, this many. */
  readonly tail?: number;
  /** Only lines of this time and after. */
  readonly since?: Date;
  /** Goes on with new lines until the container's log has ended or is removed, or the signal aborts. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
}

/** Lines of the other stream may lie between the parts of a line: so many more are read for a tail. */
const TAIL_MARGIN = 64;

/**
 * Reads a container's log that is kept in files of this host (`json-file`, `local`), rotated ones too, oldest line
 * first; nothing when there is none. With `follow` it throws the signal's reason when that aborts.
 */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogLine, void> {
  const { tail, signal, follow = false } = options;
  const reading = new LogReading(filedLogOf(options), options);
  try {
    const joiner = new LineJoiner();
    const isWanted = ({ time }: LogLine) => options.since === undefined || new Date(time) >= options.since;
    const present: LogLine[] = [];
    for await (const entry of reading.untilNow()) {
      signal?.throwIfAborted();
      const line = joiner.push(entry);
      if (line === undefined || !isWanted(line)) continue;
      if (tail === undefined) yield line;
      else if (present.push(line) > tail) present.shift();
    }
    if (!follow) present.push(...joiner.rest().filter(isWanted));
    yield* present.slice(Math.max(0, present.length - (tail ?? present.length)));
    if (!follow) return;
    for await (const entry of reading.fromNow()) {
      const line = joiner.push(entry);
      if (line !== undefined && isWanted(line)) yield line;
    }
    yield* joiner.rest().filter(isWanted);
  } finally {
    await reading.close();
  }
}

/** The driver that a container's output goes to; undefined when nothing is known of it on this host. */
export function logDriverOf(dataDir: string, id: ContainerId): string | undefined {
  try {
    return parseLogConfig(
      JSON.parse(readFileSync(containerLogPaths({ runDir: '', dataDir }, id).config, 'utf8')),
    ).driver;
  } catch {
    return undefined;
  }
}

/** Whether `readLogs` finds the lines of this driver; of an unknown one it looks for what there may be. */
export function isReadable(driver: string | undefined): boolean {
  return driver === undefined || driver === 'json-file' || driver === 'local';
}

function filedLogOf({ dataDir, id }: ReadLogsOptions): FiledLog {
  const { jsonLog, localLog } = containerLogPaths({ runDir: '', dataDir }, id);
  return logDriverOf(dataDir, id) === 'local'
    ? { path: localLog, format: LOCAL_FORMAT }
    : { path: jsonLog, format: JSON_FILE_FORMAT };
}

/** Goes through the files of one log, keeping its place when they are rotated. */
class LogReading {
  readonly #log: FiledLog;
  readonly #options: ReadLogsOptions;
  #cursor: LogFileCursor | undefined;

  constructor(log: FiledLog, options: ReadLogsOptions) {
    this.#log = log;
    this.#options = options;
  }

  /** Everything that is there, or enough of it for the tail. */
  async *untilNow(): AsyncGenerator<LogEntry, void> {
    const { tail } = this.#options;
    if (tail !== undefined) {
      const current = await LogFileCursor.openCurrent(this.#log);
      const offset = current && (await this.#log.format.offsetOfLastLines(current.file, tail + TAIL_MARGIN));
      if (current !== undefined && offset !== undefined) {
        current.offset = offset;
        this.#cursor = current;
      } else await current?.close();
    }
    yield* this.#more();
  }

  /** What comes after that, until the log has ended. */
  async *fromNow(): AsyncGenerator<LogEntry, void> {
    const { signal } = this.#options;
    const change = new DirectoryChange(dirname(this.#log.path));
    try {
      for (;;) {
        signal?.throwIfAborted();
        const ended = this.#hasEnded();
        const changed = change.next(signal);
        let isNew = false;
        for await (const entry of this.#more()) {
          isNew = true;
          yield entry;
        }
        if (ended && !isNew) return;
        if (!isNew) await changed;
      }
    } finally {
      change.close();
    }
  }

  async close(): Promise<void> {
    await this.#cursor?.close();
    this.#cursor = undefined;
  }

  /** From the cursor to the end of the current file, through those that were begun meanwhile. */
  async *#more(): AsyncGenerator<LogEntry, void> {
    this.#cursor ??= await LogFileCursor.openOldest(this.#log);
    for (let cursor = this.#cursor; cursor !== undefined; cursor = this.#cursor) {
      yield* cursor.rest();
      const next = await cursor.openNext();
      if (next === undefined) return;
      // What was written between that read and the rotation.
      yield* cursor.rest();
      await cursor.close();
      this.#cursor = next;
    }
  }

  /** The container's log is complete, or was removed after we had seen it. */
  #hasEnded(): boolean {
    const { dataDir, id } = this.#options;
    const checkpoint = readCheckpoint(
      containerLogPaths({ runDir: '', dataDir }, id).position,
      MAX_MESSAGE_BYTES,
    );
    return checkpoint?.ended ?? this.#cursor !== undefined;
  }
}
