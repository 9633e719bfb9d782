import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { crc32, createDeflateRaw } from 'node:zlib';
import { MAX_MESSAGE_BYTES } from '../log-message.ts';
import type { EntryFormat } from './entry-format.ts';

/** RFC 1952: magic, deflate, flag FEXTRA, no time, no extra flags, unknown system. */
const GZIP_HEADER = Buffer.from([0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff]);

/**
 * Replaces a rotated file by `<path>.gz`. The gzip header's extra field holds `{"lastTime":"<time>"}`, the time
 * of the last line (logging.md §15), by which a reader can pass the file over. Safe to run again.
 */
export async function compressLogFile(path: string, format: EntryFormat, signal: AbortSignal): Promise<void> {
  const target = `${path}.gz`;
  const temporary = `${target}.tmp`;
  try {
    await writeGzip(path, temporary, await lastTimeOf(path, format), signal);
    await rename(temporary, target);
    await rm(path, { force: true });
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

async function writeGzip(path: string, target: string, lastTime: string, signal: AbortSignal): Promise<void> {
  const extra = Buffer.from(JSON.stringify({ lastTime }));
  const extraLength = Buffer.alloc(2);
  extraLength.writeUInt16LE(extra.length);
  const out = createWriteStream(target, { mode: 0o640 });
  out.write(Buffer.concat([GZIP_HEADER, extraLength, extra]));
  let checksum = 0;
  let size = 0;
  await pipeline(
    createReadStream(path),
    async function* (source: AsyncIterable<Buffer>) {
      for await (const chunk of source) {
        checksum = crc32(chunk, checksum);
        size += chunk.length;
        yield chunk;
      }
    },
    createDeflateRaw(),
    out,
    { signal, end: false },
  );
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(checksum, 0);
  trailer.writeUInt32LE(size % 2 ** 32, 4);
  out.end(trailer);
  await once(out, 'close', { signal });
}

async function lastTimeOf(path: string, format: EntryFormat): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const length = Math.min(size, format.worstCase(MAX_MESSAGE_BYTES));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
    return format.lastTime(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
