import type { FileHandle } from 'node:fs/promises';
import type { LogEntry, LogFormat } from './log-entries.ts';
import { rfc3339Nano } from './service/json-file/json-line.ts';
import {
  decodeLocalEntry,
  endsLine,
  type LocalEntry,
  localEntryLength,
} from './service/local/local-entry.ts';

/** An entry is no longer than this: what claims more is none. */
const MAX_ENTRY_BYTES = 1024 * 1024;
const LENGTH_BYTES = 4;

/** Files of the driver `local`: protobuf messages between copies of their lengths (logging.md §16). */
export const LOCAL_FORMAT: LogFormat = {
  take: (bytes) => {
    const entries: LogEntry[] = [];
    let at = 0;
    for (;;) {
      const length = localEntryLength(bytes, at);
      if (length === undefined) break;
      const entry = length > MAX_ENTRY_BYTES ? undefined : decodeLocalEntry(bytes, at);
      if (entry !== undefined) entries.push(asLogEntry(entry));
      // Where an entry's end is not where it says, the file is broken: nothing tells where the next begins.
      else
        return {
          entries,
          length: at + length > bytes.length && length <= MAX_ENTRY_BYTES ? at : bytes.length,
        };
      at = entry.end;
    }
    return { entries, length: at };
  },
  offsetOfLastLines: async (file, lines) => {
    let { size: at } = await file.stat();
    let found = 0;
    while (at > 2 * LENGTH_BYTES) {
      const size = (await readAt(file, at - LENGTH_BYTES, LENGTH_BYTES)).readUInt32BE();
      const start = at - size - 2 * LENGTH_BYTES;
      if (start < 0 || size > MAX_ENTRY_BYTES) return undefined;
      const entry = decodeLocalEntry(await readAt(file, start, at - start), 0);
      if (entry === undefined) return undefined;
      if (endsLine(entry)) found += 1;
      if (found > lines) return start;
      at = start;
    }
    return undefined;
  },
};

function asLogEntry(entry: LocalEntry): LogEntry {
  const { source, time, line } = entry;
  return {
    log: `${line.toString()}${endsLine(entry) ? '\n' : ''}`,
    stream: source === 'stderr' ? 'stderr' : 'stdout',
    time: rfc3339Nano(time),
  };
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, at);
  if (bytesRead < length) throw new Error('the log file became shorter while it was read');
  return buffer;
}
