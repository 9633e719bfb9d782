import type { FileHandle } from 'node:fs/promises';
import type { StreamName } from './log-paths.ts';

/** One line that a container wrote, however many parts it was kept in. */
export interface LogLine {
  /** When it was read from the container: RFC 3339, UTC, up to nanoseconds. */
  readonly time: string;
  readonly stream: StreamName;
  /** Without its line feed. */
  readonly text: string;
}

/** One entry of a log file. `log` ends in a line feed unless the container's line goes on, or never ended. */
export interface LogEntry {
  readonly log: string;
  readonly stream: StreamName;
  readonly time: string;
}

/** How entries lie in the files of a log. */
export interface LogFormat {
  /** The whole entries that bytes begin with, and how many bytes they take; what is no entry is passed over. */
  take(bytes: Buffer): { readonly entries: readonly LogEntry[]; readonly length: number };
  /**
   * Where to start reading a file so that at least `lines` ended lines follow, looking from its end; undefined when
   * the file has fewer.
   */
  offsetOfLastLines(file: FileHandle, lines: number): Promise<number | undefined>;
}

const BLOCK_BYTES = 64 * 1024;

/** The entries in a stream of bytes; a last one that is not whole is left out. `onTaken` is told of the bytes of each piece. */
export async function* entriesOf(
  source: AsyncIterable<Buffer>,
  format: LogFormat,
  onTaken: (bytes: number) => void = () => {},
): AsyncGenerator<LogEntry, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const { entries, length } = format.take(bytes);
    onTaken(length);
    yield* entries;
    rest = Buffer.from(bytes.subarray(length));
  }
}

/** Reads a file from `cursor.offset` to its present end and moves the cursor behind the last whole entry. */
export async function* entriesFrom(
  file: FileHandle,
  format: LogFormat,
  cursor: { offset: number },
): AsyncGenerator<LogEntry, void> {
  async function* blocks(): AsyncGenerator<Buffer, void> {
    for (let at = cursor.offset; ; ) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  }
  yield* entriesOf(blocks(), format, (bytes) => {
    cursor.offset += bytes;
  });
}

/** Puts the parts of a line together again, each stream for itself. */
export class LineJoiner {
  readonly #open = new Map<StreamName, { time: string; parts: string[] }>();

  /** The line that this entry ends, if it does. */
  push(entry: LogEntry): LogLine | undefined {
    const open = this.#open.get(entry.stream);
    if (!entry.log.endsWith('\n')) {
      if (open === undefined) this.#open.set(entry.stream, { time: entry.time, parts: [entry.log] });
      else open.parts.push(entry.log);
      return undefined;
    }
    this.#open.delete(entry.stream);
    const text = entry.log.slice(0, -1);
    if (open === undefined) return { time: entry.time, stream: entry.stream, text };
    return { time: open.time, stream: entry.stream, text: open.parts.join('') + text };
  }

  /** Lines that have no end yet, or never got one. */
  rest(): LogLine[] {
    const lines = [...this.#open].map(([stream, { time, parts }]) => ({
      time,
      stream,
      text: parts.join(''),
    }));
    this.#open.clear();
    return lines;
  }
}
