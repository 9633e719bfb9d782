import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import type { PipeIo } from '../../host/pipe-io.ts';
import type { StreamName } from '../log-paths.ts';
import { decodeFrameHeader, encodeFrameHeader, FRAME_HEADER_BYTES, type Gap } from './frame.ts';

/** A place in the spool. Segments are numbered from 1 and never used again. */
export interface SpoolPlace {
  readonly segment: number;
  /** Byte in the segment. */
  readonly offset: number;
}

export interface SpoolOptions {
  readonly directory: string;
  /** Where its reader stands; before that nothing is needed. */
  readonly from: SpoolPlace;
  readonly io: PipeIo;
  /** A segment that has grown to this is followed by another. Bytes. */
  readonly segmentBytes: number;
}

interface Segment {
  readonly number: number;
  size: number;
}

/**
 * What a container wrote and its driver has not yet delivered, in files: frames of both streams in the order of
 * reading (frame.ts). Bytes come straight from the FIFO by splice(2), so the death of this process at any line
 * loses none. Segments are deleted once their reader has left them.
 */
export class Spool {
  readonly #directory: string;
  readonly #io: PipeIo;
  readonly #segmentBytes: number;
  readonly #header = Buffer.alloc(FRAME_HEADER_BYTES);
  #segments: Segment[];
  #nextNumber: number;
  #write: { readonly segment: Segment; readonly fd: number } | undefined;
  #read: { readonly number: number; readonly fd: number } | undefined;

  /** Opens the spool as the last run left it and sets its end right. */
  constructor(options: SpoolOptions) {
    this.#directory = options.directory;
    this.#io = options.io;
    this.#segmentBytes = options.segmentBytes;
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    const numbers = readdirSync(this.#directory)
      .map(Number)
      .filter((number) => Number.isSafeInteger(number) && number > 0)
      .sort((a, b) => a - b);
    for (const number of numbers.filter((number) => number < options.from.segment))
      rmSync(this.#path(number));
    const kept = numbers.filter((number) => number >= options.from.segment);
    this.#segments = kept.map((number) => ({ number, size: this.#sizeOf(number) }));
    this.#nextNumber = Math.max(options.from.segment, kept.at(-1) ?? 0) + 1;
    const first = this.#segments[0];
    if (first?.number === options.from.segment && first.size < options.from.offset) {
      // The host crashed and lost what the reader had already taken: writing there would hide new frames.
      rmSync(this.#path(first.number));
      this.#segments.shift();
    }
    const last = this.#segments.at(-1);
    if (last !== undefined)
      this.#mendEnd(last, last.number === options.from.segment ? options.from.offset : 0);
  }

  /** Where a reader that has nothing to go by starts. */
  get start(): SpoolPlace {
    return { segment: this.#segments[0]?.number ?? this.#nextNumber, offset: 0 };
  }

  has(segment: number): boolean {
    return this.#segments.some(({ number }) => number === segment);
  }

  /** The segment after this one; undefined when there is none yet. */
  segmentAfter(segment: number): number | undefined {
    return this.#segments.find(({ number }) => number > segment)?.number;
  }

  /** Bytes from a place to the end. */
  bytesAfter(place: SpoolPlace): number {
    let bytes = 0;
    for (const { number, size } of this.#segments) {
      if (number > place.segment) bytes += size;
      else if (number === place.segment) bytes += Math.max(0, size - place.offset);
    }
    return bytes;
  }

  /**
   * Moves up to `length` bytes, which the pipe is known to hold, to the spool's end. Gives the bytes moved.
   * Throws when not even one could be moved, e.g. on a full disk; they are in the pipe then.
   */
  append(stream: StreamName, pipe: number, length: number, time: bigint, gap: Gap): number {
    const { segment, fd } = this.#writable();
    const at = segment.size;
    let moved = 0;
    try {
      encodeFrameHeader({ stream, gap, length, time }, this.#header);
      this.#writeHeader(fd, at);
      while (moved < length) {
        const more = this.#io.spliceToFile(pipe, fd, at + FRAME_HEADER_BYTES + moved, length - moved);
        if (more === 0) break;
        moved += more;
      }
    } catch (error) {
      if (moved === 0) {
        ftruncateSync(fd, at);
        throw error;
      }
    }
    if (moved === 0) {
      ftruncateSync(fd, at);
      return 0;
    }
    if (moved < length) {
      encodeFrameHeader({ stream, gap, length: moved, time }, this.#header);
      this.#writeHeader(fd, at);
    }
    segment.size = at + FRAME_HEADER_BYTES + moved;
    return moved;
  }

  /** Records that bytes of a stream were dropped here, in the middle of a line. Throws as `append` does. */
  markGap(stream: StreamName, time: bigint): void {
    const { segment, fd } = this.#writable();
    encodeFrameHeader({ stream, gap: 'mid-line', length: 0, time }, this.#header);
    try {
      this.#writeHeader(fd, segment.size);
    } catch (error) {
      ftruncateSync(fd, segment.size);
      throw error;
    }
    segment.size += FRAME_HEADER_BYTES;
  }

  /** Reads into `buffer` from a place, within its segment. Gives the bytes read; 0 at the segment's end. */
  readAt(place: SpoolPlace, buffer: Buffer): number {
    const segment = this.#segments.find(({ number }) => number === place.segment);
    if (segment === undefined || place.offset >= segment.size) return 0;
    const length = Math.min(buffer.length, segment.size - place.offset);
    return readSync(this.#readable(segment), buffer, 0, length, place.offset);
  }

  /** Deletes the segments before this one: whoever calls has recorded that they are delivered. */
  releaseBefore(segment: number): void {
    while ((this.#segments[0]?.number ?? segment) < segment) {
      const number = this.#segments[0]?.number ?? 0;
      if (this.#read?.number === number) this.#closeRead();
      if (this.#write?.segment.number === number) this.#closeWrite();
      rmSync(this.#path(number), { force: true });
      this.#segments.shift();
    }
  }

  /** Lets go of the files; they stay. */
  close(): void {
    this.#closeRead();
    this.#closeWrite();
  }

  /** Deletes everything. */
  remove(): void {
    this.close();
    rmSync(this.#directory, { recursive: true, force: true });
    this.#segments = [];
  }

  #writable(): { readonly segment: Segment; readonly fd: number } {
    if (this.#write !== undefined && this.#write.segment.size < this.#segmentBytes) return this.#write;
    const last = this.#segments.at(-1);
    if (this.#write === undefined && last !== undefined && last.size < this.#segmentBytes) {
      this.#write = { segment: last, fd: openSync(this.#path(last.number), 'r+') };
      return this.#write;
    }
    const segment = { number: this.#nextNumber, size: 0 };
    const fd = openSync(this.#path(segment.number), 'w+', 0o600);
    this.#closeWrite();
    this.#nextNumber += 1;
    this.#segments.push(segment);
    this.#write = { segment, fd };
    return this.#write;
  }

  #readable(segment: Segment): number {
    if (this.#write?.segment === segment) return this.#write.fd;
    if (this.#read?.number === segment.number) return this.#read.fd;
    this.#closeRead();
    this.#read = { number: segment.number, fd: openSync(this.#path(segment.number), 'r') };
    return this.#read.fd;
  }

  #writeHeader(fd: number, at: number): void {
    const written = writeSync(fd, this.#header, 0, FRAME_HEADER_BYTES, at);
    if (written !== FRAME_HEADER_BYTES)
      throw new Error(`only ${written} of ${FRAME_HEADER_BYTES} bytes of a spool header could be written`);
  }

  /** A frame that the last run could not finish gets the length that it has; a header without bytes goes. */
  #mendEnd(segment: Segment, from: number): void {
    const fd = openSync(this.#path(segment.number), 'r+');
    try {
      let at = Math.min(from, segment.size);
      for (;;) {
        const header =
          readSync(fd, this.#header, 0, FRAME_HEADER_BYTES, at) === FRAME_HEADER_BYTES
            ? decodeFrameHeader(this.#header, 0)
            : undefined;
        const end = at + FRAME_HEADER_BYTES + (header?.length ?? 0);
        if (header !== undefined && end <= segment.size) {
          at = end;
          continue;
        }
        const present = segment.size - at - FRAME_HEADER_BYTES;
        if (header === undefined || present <= 0) {
          ftruncateSync(fd, at);
          segment.size = at;
        } else {
          encodeFrameHeader({ ...header, length: present }, this.#header);
          this.#writeHeader(fd, at);
        }
        return;
      }
    } finally {
      closeSync(fd);
    }
  }

  #sizeOf(number: number): number {
    const fd = openSync(this.#path(number), 'r');
    try {
      return fstatSync(fd).size;
    } finally {
      closeSync(fd);
    }
  }

  #closeWrite(): void {
    if (this.#write !== undefined) closeSync(this.#write.fd);
    this.#write = undefined;
  }

  #closeRead(): void {
    if (this.#read !== undefined) closeSync(this.#read.fd);
    this.#read = undefined;
  }

  #path(number: number): string {
    return join(this.#directory, String(number).padStart(10, '0'));
  }
}
