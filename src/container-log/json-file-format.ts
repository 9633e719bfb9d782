import type { FileHandle } from 'node:fs/promises';
import { z } from '../schema.ts';
import type { LogEntry, LogFormat } from './log-entries.ts';

const entrySchema = z.object({
  log: z._default(z.string(), ''),
  stream: z.enum(['stdout', 'stderr']),
  time: z.string(),
});
const BLOCK_BYTES = 64 * 1024;

/** Files of the driver `json-file`: a JSON object a line (logging.md §15). */
export const JSON_FILE_FORMAT: LogFormat = {
  take: (bytes) => {
    const length = bytes.lastIndexOf(10) + 1;
    const entries = bytes
      .toString('utf8', 0, length)
      .split('\n')
      .flatMap((line) => (line === '' ? [] : (parseEntry(line) ?? [])));
    return { entries, length };
  },
  offsetOfLastLines,
};

/** Reads one line; undefined when it is none, as after a crash of the host. */
function parseEntry(line: string): LogEntry | undefined {
  try {
    return entrySchema.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function offsetOfLastLines(file: FileHandle, lines: number): Promise<number | undefined> {
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
      if (parseEntry(bytes.toString('utf8', start, end))?.log.endsWith('\n') === true) found += 1;
      if (found > lines) return at + start;
      end = start - 1;
    }
    rest = Buffer.from(first < 0 ? bytes : bytes.subarray(0, first + 1));
  }
  return undefined;
}
