import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import type { StreamName } from './log-paths.ts';

/** One line that a container wrote, however many parts it was kept in. */
export interface LogLine {
  /** When it was read from the container: RFC 3339, UTC, up to nanoseconds. */
  readonly time: string;
  readonly stream: StreamName;
  /** Without its line feed. */
  readonly text: string;
}

/** One line of a json-file. `log` ends in a line feed unless the container's line goes on, or never ended. */
export interface LogEntry {
  readonly log: string;
  readonly stream: StreamName;
  readonly time: string;
}

const entrySchema = z.object({
  log: z.string().default(''),
  stream: z.enum(['stdout', 'stderr']),
  time: z.string(),
});
const BLOCK_BYTES = 64 * 1024;

/** Reads one line; undefined when it is none, as after a crash of the host. */
export function parseLogEntry(line: string): LogEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The entries in a stream of bytes; a last line without its line feed is left out. */
export async function* entriesOf(source: AsyncIterable<Buffer>): AsyncGenerator<LogEntry, void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(10) + 1;
    for (const line of bytes.toString('utf8', 0, end).split('\n')) {
      const entry = line === '' ? undefined : parseLogEntry(line);
      if (entry !== undefined) yield entry;
    }
    rest = Buffer.from(bytes.subarray(end));
  }
}

/** Reads a file from `cursor.offset` to its present end and moves the cursor behind the last whole line. */
export async function* entriesFrom(
  file: FileHandle,
  cursor: { offset: number },
): AsyncGenerator<LogEntry, void> {
  async function* blocks(): AsyncGenerator<Buffer, void> {
    let at = cursor.offset;
    for (;;) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, at);
      if (bytesRead === 0) return;
      const block = buffer.subarray(0, bytesRead);
      const end = block.lastIndexOf(10);
      if (end >= 0) cursor.offset = at + end + 1;
      at += bytesRead;
      yield block;
    }
  }
  yield* entriesOf(blocks());
}

/**
 * Where to start reading a file so that at least `lines` ended lines follow, looking from its end; undefined
 * when the file has fewer.
 */
export async function offsetOfLastLines(file: FileHandle, lines: number): Promise<number | undefined> {
  let { size: at } = await file.stat();
  let found = 0;
  let rest: Buffer = Buffer.alloc(0);
  while (at > 0) {
    const length = Math.min(BLOCK_BYTES, at);
    at -= length;
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, at);
    const bytes: Buffer = Buffer.concat([buffer, rest]);
    const first = bytes.indexOf(10);
    let end = bytes.lastIndexOf(10);
    while (end > first) {
      const start = bytes.lastIndexOf(10, end - 1) + 1;
      if (parseLogEntry(bytes.toString('utf8', start, end))?.log.endsWith('\n') === true) found += 1;
      if (found > lines) return at + start;
      end = start - 1;
    }
    rest = Buffer.from(first < 0 ? bytes : bytes.subarray(0, first + 1));
  }
  return undefined;
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
