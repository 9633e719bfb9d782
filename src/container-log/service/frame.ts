import { STREAM_NAMES, type StreamName } from '../log-paths.ts';

/**
 * The spool is a row of frames: a header of 16 bytes, then what one read brought.
 *
 *   0  magic    1  stream    2  gap    3  –    4..7  length    8..15  time, ns since the epoch
 *
 * A header is written first, with the length that the pipe is known to hold, and the bytes are spliced behind
 * it. So only the last frame of the spool can ever be short, and recovery sets its length right.
 */
export const FRAME_HEADER_BYTES = 16;
const MAGIC = 0xec;

/** Bytes of this stream were dropped before a frame: the frame begins a line, or in the middle of one. */
export type Gap = 'none' | 'line-start' | 'mid-line';
const GAPS: readonly Gap[] = ['none', 'line-start', 'mid-line'];

export interface FrameHeader {
  readonly stream: StreamName;
  readonly gap: Gap;
  /** Bytes that follow the header. */
  readonly length: number;
  /** ns since the epoch. */
  readonly time: bigint;
}

/** Writes a header to the start of `buffer`. */
export function encodeFrameHeader(header: FrameHeader, buffer: Buffer): void {
  buffer[0] = MAGIC;
  buffer[1] = STREAM_NAMES.indexOf(header.stream);
  buffer[2] = GAPS.indexOf(header.gap);
  buffer[3] = 0;
  buffer.writeUInt32LE(header.length, 4);
  buffer.writeBigUInt64LE(header.time, 8);
}

/** Reads a header; undefined when there is none (a damaged file, or one that ends here). */
export function decodeFrameHeader(buffer: Buffer, at: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > buffer.length || buffer[at] !== MAGIC) return undefined;
  const stream = STREAM_NAMES[buffer[at + 1] ?? -1];
  const gap = GAPS[buffer[at + 2] ?? -1];
  if (stream === undefined || gap === undefined) return undefined;
  return { stream, gap, length: buffer.readUInt32LE(at + 4), time: buffer.readBigUInt64LE(at + 8) };
}
