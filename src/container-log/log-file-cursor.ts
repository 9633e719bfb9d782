import { type FileHandle, open, stat } from 'node:fs/promises';
import { crc32, createGunzip } from 'node:zlib';
import { entriesFrom, entriesOf, type LogEntry, type LogFormat } from './log-entries.ts';
import { logFilesOldestFirst } from './service/log-file/log-files.ts';

/** A log file by name and inode: a rotation gives names to other files, and another inode to what it compresses. */
interface LogFile {
  readonly path: string;
  readonly inode: number;
}

/** A log in files: the path of the current one, and what is in them. */
export interface FiledLog {
  readonly path: string;
  readonly format: LogFormat;
}

/** A place in one file of a log that may be rotated, renamed, compressed and deleted while it is read. */
export class LogFileCursor {
  readonly file: FileHandle;
  /** Behind the last whole line that was taken; in a compressed file 0 until it was read. */
  offset = 0;
  readonly #log: FiledLog;
  readonly #path: string;
  readonly #inode: number;

  constructor(log: FiledLog, { path, inode }: LogFile, file: FileHandle) {
    this.#log = log;
    this.#path = path;
    this.#inode = inode;
    this.file = file;
  }

  /** The file that is written to; undefined when there is none. */
  static async openCurrent(log: FiledLog): Promise<LogFileCursor | undefined> {
    return await openCursor(log, (files) => files.find(({ path }) => path === log.path));
  }

  static async openOldest(log: FiledLog): Promise<LogFileCursor | undefined> {
    return await openCursor(log, (files) => files[0]);
  }

  /** What was not taken yet. */
  rest(): AsyncGenerator<LogEntry, void> {
    return this.#path.endsWith('.gz') ? this.#unpacked() : this.#appended();
  }

  /** The file that follows this one in the log; undefined while this is the one that is written to. */
  async openNext(): Promise<LogFileCursor | undefined> {
    return await openCursor(this.#log, async (files) => {
      const own = files.findIndex(({ inode }) => inode === this.#inode);
      if (own >= 0) return files[own + 1];
      for (const [index, { path }] of files.entries())
        if (await this.#isCompressedTo(path)) return files[index + 1];
      // Deleted: all others are newer.
      return files[0];
    });
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  async *#appended(): AsyncGenerator<LogEntry, void> {
    // Somebody has emptied the file to make room.
    if ((await this.file.stat()).size < this.offset) this.offset = 0;
    yield* entriesFrom(this.file, this.#log.format, this);
  }

  async *#unpacked(): AsyncGenerator<LogEntry, void> {
    const { size } = await this.file.stat();
    if (this.offset === size) return;
    this.offset = size;
    const source = this.file
      .createReadStream({ start: 0, autoClose: false })
      .on('error', (error) => plain.destroy(error));
    const plain = source.pipe(createGunzip());
    yield* entriesOf(plain, this.#log.format);
  }

  /** Whether this is the compressed form of our file: same length, same checksum (RFC 1952, the last 8 bytes). */
  async #isCompressedTo(path: string): Promise<boolean> {
    if (!path.endsWith('.gz') || this.#path.endsWith('.gz')) return false;
    const other = await openIfAny(path);
    if (other === undefined) return false;
    try {
      const { size } = await other.stat();
      const { buffer, bytesRead } = await other.read(Buffer.alloc(8), 0, 8, Math.max(0, size - 8));
      if (bytesRead < 8 || buffer.readUInt32LE(4) !== (await this.file.stat()).size % 2 ** 32) return false;
      return buffer.readUInt32LE(0) === (await this.#checksum());
    } finally {
      await other.close();
    }
  }

  async #checksum(): Promise<number> {
    let checksum = 0;
    for await (const chunk of this.file.createReadStream({ start: 0, autoClose: false }))
      checksum = crc32(chunk, checksum);
    return checksum;
  }
}

/**
 * Opens the file that `choose` picks of a log's files, oldest first. Chooses again when a rotation has come in
 * between: under the name there is another file then.
 */
async function openCursor(
  log: FiledLog,
  choose: (files: readonly LogFile[]) => LogFile | undefined | Promise<LogFile | undefined>,
): Promise<LogFileCursor | undefined> {
  for (;;) {
    const chosen = await choose(await filesOf(log.path));
    if (chosen === undefined) return undefined;
    const file = await openIfAny(chosen.path);
    if (file !== undefined && (await file.stat()).ino === chosen.inode)
      return new LogFileCursor(log, chosen, file);
    await file?.close();
  }
}

/** A log's files at one moment: looked at until two looks agree. */
async function filesOf(log: string): Promise<readonly LogFile[]> {
  let before = '';
  for (;;) {
    const files: LogFile[] = [];
    for (const path of pathsOf(log)) {
      const inode = await inodeOf(path);
      if (inode !== undefined) files.push({ path, inode });
    }
    const now = JSON.stringify(files);
    if (now === before) return files;
    before = now;
  }
}

function pathsOf(log: string): string[] {
  try {
    return logFilesOldestFirst(log);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
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

async function openIfAny(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
