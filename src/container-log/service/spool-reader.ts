import { createHash } from 'node:crypto';
import { STREAM_NAMES, type StreamName } from '../log-paths.ts';
import { decodeFrameHeader, FRAME_HEADER_BYTES, type FrameHeader } from './frame.ts';
import { unfinishedUtf8 } from './json-text.ts';
import type { LogMessage, PartialMessage } from './log-message.ts';
import type { MessageSource } from './message-source.ts';
import type { Spool } from './spool.ts';

/** What a reader has of a line whose end it has not seen. */
export interface StreamPosition {
  /** Bytes of the line that were in no message yet; fewer than a message can have. */
  readonly pending: Buffer;
  /** When the last of them were read, ns. */
  readonly readAt: bigint;
  /** Parts of this line that were messages already. */
  readonly parts: number;
  readonly partId: string;
  /** When the first part was read, ns. */
  readonly partsTime: bigint;
  /** The rest of this line has no beginning: it is passed over. */
  readonly skipping: boolean;
}

/**
 * A place between two messages. A reader that starts from it gives the same messages with the same times and
 * ids again, however often: what a driver did twice can be recognised.
 */
export interface SpoolPosition {
  readonly segment: number;
  /** Of the frame's header. */
  readonly offset: number;
  /** Bytes of that frame that were taken. */
  readonly frameByte: number;
  readonly streams: Readonly<Record<StreamName, StreamPosition>>;
}

const EMPTY_STREAM: StreamPosition = {
  pending: Buffer.alloc(0),
  readAt: 0n,
  parts: 0,
  partId: '',
  partsTime: 0n,
  skipping: false,
};

/** The beginning of an empty spool. */
export function firstPosition(segment: number): SpoolPosition {
  return { segment, offset: 0, frameByte: 0, streams: { stdout: EMPTY_STREAM, stderr: EMPTY_STREAM } };
}

/** Memory to read through, shared by all readers: each uses it only while it runs. */
export class ReadWindow {
  readonly bytes: Buffer;
  owner: object | undefined;

  constructor(size: number) {
    this.bytes = Buffer.alloc(size);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Takes messages out of a spool: frames of both streams in their order, cut into lines (logging.md §10). */
export class SpoolReader implements MessageSource {
  readonly #spool: Spool;
  readonly #window: ReadWindow;
  /** Distinguishes this container's part ids from all others. */
  readonly #name: string;
  readonly #maxMessageBytes: number;
  readonly #streams: Record<StreamName, Mutable<StreamPosition>>;
  #segment: number;
  #offset: number;
  #frameByte: number;
  #frame: FrameHeader | undefined;
  #windowStart = 0;
  #windowLength = 0;
  #skippedLines = 0;

  /** A line longer than `maxMessageBytes` comes in parts. */
  constructor(
    spool: Spool,
    window: ReadWindow,
    name: string,
    position: SpoolPosition,
    maxMessageBytes: number,
  ) {
    this.#spool = spool;
    this.#window = window;
    this.#name = name;
    this.#maxMessageBytes = maxMessageBytes;
    this.#segment = position.segment;
    this.#offset = position.offset;
    this.#frameByte = position.frameByte;
    this.#streams = { stdout: { ...position.streams.stdout }, stderr: { ...position.streams.stderr } };
  }

  /** Goes back to a place that the spool has not released; what follows comes again as it came before. */
  seek(position: SpoolPosition): void {
    this.#segment = position.segment;
    this.#offset = position.offset;
    this.#frameByte = position.frameByte;
    this.#frame = undefined;
    this.#windowLength = 0;
    this.#streams.stdout = { ...position.streams.stdout };
    this.#streams.stderr = { ...position.streams.stderr };
  }

  /** Lines passed over because their beginning had been dropped. */
  get skippedLines(): number {
    return this.#skippedLines;
  }

  /** Bytes of the spool that were not taken yet. */
  get backlogBytes(): number {
    return this.#spool.bytesAfter({ segment: this.#segment, offset: this.#offset }) - this.#frameByte;
  }

  /** The place after the last message. */
  position(): SpoolPosition {
    return {
      segment: this.#segment,
      offset: this.#offset,
      frameByte: this.#frameByte,
      streams: { stdout: { ...this.#streams.stdout }, stderr: { ...this.#streams.stderr } },
    };
  }

  /** The next message; undefined when all that is in the spool was taken. */
  next(): LogMessage | undefined {
    for (;;) {
      const frame = this.#frame ?? this.#beginFrame();
      if (frame === undefined) return undefined;
      if (this.#frameByte >= frame.length) {
        this.#offset += FRAME_HEADER_BYTES + frame.length;
        this.#frameByte = 0;
        this.#frame = undefined;
        continue;
      }
      const at = this.#offset + FRAME_HEADER_BYTES + this.#frameByte;
      const available = this.#look(at, 1);
      if (available === 0) return undefined;
      const from = at - this.#windowStart;
      const message = this.#takeFrom(from, from + Math.min(available, frame.length - this.#frameByte), frame);
      if (message !== undefined) return message;
    }
  }

  /** After the end of both streams: what is left of an unfinished line, as a part without an end. */
  takeRest(): LogMessage | undefined {
    for (const stream of STREAM_NAMES) {
      const state = this.#streams[stream];
      if (state.pending.length > 0) return this.#part(stream, state, state.pending, state.readAt, false);
    }
    return undefined;
  }

  /** Takes one line, or what there is of it, from bytes of the window. Allocates little: it runs for each line. */
  #takeFrom(from: number, to: number, frame: FrameHeader): LogMessage | undefined {
    const { bytes: window } = this.#window;
    const state = this.#streams[frame.stream];
    const lineFeed = window.indexOf(10, from);
    if (state.skipping) {
      const ends = lineFeed >= 0 && lineFeed < to;
      this.#frameByte += (ends ? lineFeed + 1 : to) - from;
      state.skipping = !ends;
      if (ends) this.#skippedLines += 1;
      return undefined;
    }
    const limit = Math.min(to, from + this.#maxMessageBytes - state.pending.length);
    if (lineFeed < 0 || lineFeed >= limit) {
      this.#frameByte += limit - from;
      const bytes = Buffer.concat([state.pending, window.subarray(from, limit)]);
      if (bytes.length === this.#maxMessageBytes) {
        // A character is not cut in two.
        const cut = bytes.length - unfinishedUtf8(bytes);
        const part = this.#part(frame.stream, state, bytes.subarray(0, cut), frame.time, false);
        state.pending = bytes.subarray(cut);
        state.readAt = frame.time;
        return part;
      }
      state.pending = bytes;
      state.readAt = frame.time;
      return undefined;
    }
    this.#frameByte += lineFeed + 1 - from;
    const rest = window.subarray(from, lineFeed);
    const bytes = state.pending.length === 0 ? rest : Buffer.concat([state.pending, rest]);
    if (state.parts > 0) return this.#part(frame.stream, state, bytes, frame.time, true);
    state.pending = EMPTY_STREAM.pending;
    return { stream: frame.stream, time: frame.time, bytes };
  }

  #part(
    stream: StreamName,
    state: Mutable<StreamPosition>,
    bytes: Buffer,
    time: bigint,
    last: boolean,
  ): LogMessage {
    if (state.parts === 0) {
      state.partsTime = time;
      state.partId = createHash('sha256')
        .update(`${this.#name} ${stream} ${this.#segment} ${this.#offset} ${this.#frameByte}`)
        .digest('hex');
    }
    state.parts += 1;
    const partial: PartialMessage = { id: state.partId, ordinal: state.parts, last };
    const message: LogMessage = { stream, time: state.partsTime, bytes, partial };
    state.pending = EMPTY_STREAM.pending;
    if (last) Object.assign(state, EMPTY_STREAM);
    return message;
  }

  #beginFrame(): FrameHeader | undefined {
    for (;;) {
      const available = this.#look(this.#offset, FRAME_HEADER_BYTES);
      const header =
        available < FRAME_HEADER_BYTES
          ? undefined
          : decodeFrameHeader(this.#window.bytes, this.#offset - this.#windowStart);
      if (header !== undefined) {
        this.#frame = header;
        // Only at the frame's first byte: later the gap has been dealt with.
        if (header.gap !== 'none' && this.#frameByte === 0)
          Object.assign(this.#streams[header.stream], EMPTY_STREAM, { skipping: header.gap === 'mid-line' });
        return header;
      }
      // The end of a segment; or, after a crash of the host, damage that nothing behind it survives.
      const after = this.#spool.segmentAfter(this.#segment);
      if (after === undefined) return undefined;
      this.#segment = after;
      this.#offset = 0;
      this.#frameByte = 0;
      this.#windowLength = 0;
    }
  }

  /** Sees to it that the window holds `wanted` bytes from `offset` of the segment on; gives how many it holds. */
  #look(offset: number, wanted: number): number {
    if (this.#window.owner === this && offset >= this.#windowStart) {
      const available = this.#windowStart + this.#windowLength - offset;
      if (available >= wanted) return available;
    }
    this.#window.owner = this;
    this.#windowStart = offset;
    this.#windowLength = this.#spool.readAt({ segment: this.#segment, offset }, this.#window.bytes);
    return this.#windowLength;
  }
}
