import { createReadStream, type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createGunzip } from 'node:zlib';
import type { ContainerId } from '../task/ids.ts';
import {
  entriesFrom,
  entriesOf,
  LineJoiner,
  type LogEntry,
  type LogLine,
  offsetOfLastLines,
} from './log-entries.ts';
import { containerLogPaths } from './log-paths.ts';
import { logFilesOldestFirst } from './service/json-file/log-files.ts';
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

/** The file system may fail to tell of a change: then it is looked at after this. */
const LOOK_MS = 250;
/** Lines of the other stream may lie between the parts of a line: so many more are read for a tail. */
const TAIL_MARGIN = 64;

/** A log file that is being read; `offset` is behind the last entry that was taken. */
interface Cursor {
  readonly file: FileHandle;
  readonly inode: number;
  offset: number;
  /** Of the last entry that was taken. */
  time: string;
}

/**
 * Reads a container's json-file log with its rotated files, oldest line first; nothing when there is none. With
 * `follow` it throws the signal's reason when that aborts.
 */
export async function* readLogs(options: ReadLogsOptions): AsyncGenerator<LogLine, void> {
  const { tail, signal, follow = false } = options;
  const path = containerLogPaths({ runDir: '', dataDir: options.dataDir }, options.id).jsonLog;
  const reading = new LogReading(path, options);
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

/** Goes through the files of one log, keeping its place when they are rotated. */
class LogReading {
  readonly #path: string;
  readonly #options: ReadLogsOptions;
  #cursor: Cursor | undefined;

  constructor(path: string, options: ReadLogsOptions) {
    this.#path = path;
    this.#options = options;
  }

  /** Everything that is there, or enough of it for the tail. */
  async *untilNow(): AsyncGenerator<LogEntry, void> {
    const { tail } = this.#options;
    const current = await this.#openCursor(this.#path);
    if (current !== undefined && tail !== undefined) {
      const offset = await offsetOfLastLines(current.file, tail + TAIL_MARGIN);
      if (offset !== undefined) {
        current.offset = offset;
        this.#cursor = current;
        yield* this.#rest();
        return;
      }
    }
    await current?.file.close();
    const [first] = await this.#files();
    if (first === undefined) return;
    yield* this.#throughRotated(first);
  }

  /** What comes after that, until the log has ended. */
  async *fromNow(): AsyncGenerator<LogEntry, void> {
    const { signal } = this.#options;
    const change = new DirectoryChange(dirname(this.#path));
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
    await this.#cursor?.file.close();
    this.#cursor = undefined;
  }

  async *#more(): AsyncGenerator<LogEntry, void> {
    if (this.#cursor === undefined) {
      const [first] = await this.#files();
      if (first !== undefined) yield* this.#throughRotated(first);
      return;
    }
    yield* this.#rest();
    // What was written between the read and the rotation is still in the file that we have open.
    const next = await this.#fileAfter(this.#cursor);
    if (next === undefined) return;
    yield* this.#rest();
    yield* this.#throughRotated(next);
  }

  /** From the start of `first`, a file of this log, to the end of the current file. */
  async *#throughRotated(first: string): AsyncGenerator<LogEntry, void> {
    let path: string | undefined = first;
    while (path !== undefined) {
      await this.close();
      this.#cursor = await this.#openCursor(path);
      if (this.#cursor === undefined) return;
      if (path.endsWith('.gz')) yield* this.#compressed(path, this.#cursor);
      else yield* this.#rest();
      const next: string | undefined = await this.#fileAfter(this.#cursor);
      if (next !== undefined && !path.endsWith('.gz')) yield* this.#rest();
      path = next;
    }
  }

  async *#rest(): AsyncGenerator<LogEntry, void> {
    const cursor = this.#cursor;
    if (cursor === undefined) return;
    // Somebody has emptied the file to make room.
    if ((await cursor.file.stat()).size < cursor.offset) cursor.offset = 0;
    for await (const entry of entriesFrom(cursor.file, cursor)) {
      cursor.time = entry.time;
      yield entry;
    }
  }

  async *#compressed(path: string, cursor: Cursor): AsyncGenerator<LogEntry, void> {
    const source = createReadStream(path).on('error', (error) => plain.destroy(error));
    const plain = source.pipe(createGunzip());
    for await (const entry of entriesOf(plain)) {
      cursor.time = entry.time;
      yield entry;
    }
  }

  /** The file that follows the cursor's in the log; undefined while that is the current one. */
  async #fileAfter(cursor: Cursor): Promise<string | undefined> {
    const files = await this.#files();
    for (const [index, path] of files.entries())
      if ((await inodeOf(path)) === cursor.inode) return files[index + 1];
    // Compressed or deleted in the meantime: the next is the first that begins where it ended.
    for (const path of files) {
      const start = await firstTime(path);
      if (start === undefined ? path === this.#path : isNotBefore(start, cursor.time)) return path;
    }
    return undefined;
  }

  async #files(): Promise<string[]> {
    try {
      return logFilesOldestFirst(this.#path);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async #openCursor(path: string): Promise<Cursor | undefined> {
    try {
      const file = await open(path);
      return { file, inode: (await file.stat()).ino, offset: 0, time: '' };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** The container's log is complete, or was removed after we had seen it. */
  #hasEnded(): boolean {
    const { dataDir, id } = this.#options;
    const checkpoint = readCheckpoint(containerLogPaths({ runDir: '', dataDir }, id).position);
    return checkpoint?.ended ?? this.#cursor !== undefined;
  }
}

/** Tells of changes in a directory; it need not exist yet. */
class DirectoryChange {
  readonly #path: string;
  #watcher: FSWatcher | undefined;
  #changed = Promise.withResolvers<void>();

  constructor(path: string) {
    this.#path = path;
  }

  /** Resolves at the first change after this call, or after LOOK_MS, or when the signal aborts. */
  async next(signal: AbortSignal | undefined): Promise<void> {
    this.#changed = Promise.withResolvers();
    const { promise, resolve } = this.#changed;
    this.#watch();
    const timer = setTimeout(resolve, LOOK_MS);
    const onAbort = () => resolve();
    signal?.addEventListener('abort', onAbort, { once: true });
    await promise;
    signal?.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  }

  close(): void {
    this.#watcher?.close();
    this.#changed.resolve();
  }

  #watch(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, () => this.#changed.resolve());
      this.#watcher.on('error', () => {});
    } catch {
      this.#watcher = undefined;
    }
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function firstTime(path: string): Promise<string | undefined> {
  const source = createReadStream(path).on('error', (error) => plain.destroy(error));
  const plain = path.endsWith('.gz') ? source.pipe(createGunzip()) : source;
  try {
    for await (const { time } of entriesOf(plain)) return time;
    return undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  } finally {
    source.destroy();
  }
}

/** Compares RFC 3339 times with fractions of any length. */
function isNotBefore(a: string, b: string): boolean {
  const key = (time: string) =>
    time.replace(/(?:\.(\d+))?Z$/, (_, fraction = '') => `.${fraction.padEnd(9, '0')}`);
  return key(a) >= key(b);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
