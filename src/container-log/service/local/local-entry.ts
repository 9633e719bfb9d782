import { rfc3339Nano } from '../json-file/json-line.ts';
import type { EntryFormat, EntryMeasure } from '../log-file/entry-format.ts';
import type { LogMessage, PartialMessage } from '../log-message.ts';

/** Stands before an entry and behind it: its length, big endian. */
const LENGTH_BYTES = 4;
/** All of an entry but the text. */
const OVERHEAD_BYTES = 160;

/**
 * Writes messages as Docker's driver `local` keeps them (logging.md §16): a protobuf message between two copies of its
 * length. source 1, time in ns 2, line 3, partial 4, its parts' data 5 {last 1, id 2, ordinal 3}; what is empty, zero
 * or false is left out (proto3).
 */
export class LocalEntryFormat implements EntryFormat {
  worstCase(messageBytes: number): number {
    return messageBytes + OVERHEAD_BYTES;
  }

  encode({ stream, time, bytes, partial }: LogMessage, out: Buffer, at: number): number {
    let o = at + LENGTH_BYTES;
    out[o++] = 0x0a;
    out[o++] = stream.length;
    o += out.write(stream, o, 'latin1');
    out[o++] = 0x10;
    o = writeVarint(time, out, o);
    if (bytes.length > 0) {
      out[o++] = 0x1a;
      o = writeVarint(BigInt(bytes.length), out, o);
      out.set(bytes, o);
      o += bytes.length;
    }
    if (partial !== undefined) {
      out[o++] = 0x20;
      out[o++] = 1;
      out[o++] = 0x2a;
      const length = o++;
      if (partial.last) {
        out[o++] = 0x08;
        out[o++] = 1;
      }
      out[o++] = 0x12;
      out[o++] = partial.id.length;
      o += out.write(partial.id, o, 'latin1');
      out[o++] = 0x18;
      o = writeVarint(BigInt(partial.ordinal), out, o);
      out[length] = o - length - 1;
    }
    const size = o - at - LENGTH_BYTES;
    out.writeUInt32BE(size, at);
    return out.writeUInt32BE(size, o);
  }

  *measure(entries: Buffer): Generator<EntryMeasure, void> {
    for (let at = 0; at < entries.length; ) {
      const entry = decodeLocalEntry(entries, at);
      if (entry === undefined) throw new Error(`there is no entry at byte ${at}`);
      yield { end: entry.end, bytes: entry.line.length, endsLine: endsLine(entry) };
      at = entry.end;
    }
  }

  lastTime(entries: Buffer): string {
    const end = entries.length - LENGTH_BYTES;
    const start = end < LENGTH_BYTES ? -1 : end - entries.readUInt32BE(end) - LENGTH_BYTES;
    const entry = start < 0 ? undefined : decodeLocalEntry(entries, start);
    return entry === undefined ? '' : rfc3339Nano(entry.time);
  }
}

/** An entry as it lies in a file. */
export interface LocalEntry {
  readonly source: string;
  /** Ns since the epoch. */
  readonly time: bigint;
  readonly line: Buffer;
  readonly partial?: PartialMessage;
  /** Behind it. */
  readonly end: number;
}

/** The entry that begins at `at`; undefined: it is not there to its end, or it is none. */
export function decodeLocalEntry(bytes: Buffer, at: number): LocalEntry | undefined {
  if (at + 2 * LENGTH_BYTES > bytes.length) return undefined;
  const size = bytes.readUInt32BE(at);
  const start = at + LENGTH_BYTES;
  const end = start + size;
  if (end + LENGTH_BYTES > bytes.length || bytes.readUInt32BE(end) !== size) return undefined;
  let source = '';
  let time = 0n;
  let line: Buffer = Buffer.alloc(0);
  let partial: PartialMessage | undefined;
  for (const [field, value] of protobufFields(bytes.subarray(start, end))) {
    if (field === 1 && typeof value !== 'bigint') source = value.toString('latin1');
    else if (field === 2 && typeof value === 'bigint') time = value;
    else if (field === 3 && typeof value !== 'bigint') line = value;
    else if (field === 5 && typeof value !== 'bigint') partial = decodePartial(value);
  }
  return { source, time, line, end: end + LENGTH_BYTES, ...(partial !== undefined && { partial }) };
}

/** It is a whole line, or the last part of one. */
export function endsLine({ partial }: LocalEntry): boolean {
  return partial === undefined || partial.last;
}

function decodePartial(message: Buffer): PartialMessage {
  let [id, ordinal, last] = ['', 0, false];
  for (const [field, value] of protobufFields(message)) {
    if (field === 1) last = value === 1n;
    else if (field === 2 && typeof value !== 'bigint') id = value.toString('latin1');
    else if (field === 3 && typeof value === 'bigint') ordinal = Number(value);
  }
  return { id, ordinal, last };
}

/** How long the entry that begins at `at` is in all; undefined: too little is there to say. */
export function localEntryLength(bytes: Buffer, at: number): number | undefined {
  return at + LENGTH_BYTES > bytes.length ? undefined : bytes.readUInt32BE(at) + 2 * LENGTH_BYTES;
}

/** Fields of kinds varint and length-delimited, in their order. Throws RangeError when a message is cut. */
function* protobufFields(message: Buffer): Generator<readonly [field: number, value: bigint | Buffer], void> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = Number(varint());
    const kind = key & 7;
    if (kind === 0) yield [key >> 3, varint()];
    else if (kind === 2) {
      const length = Number(varint());
      yield [key >> 3, message.subarray(at, at + length)];
      at += length;
    } else throw new RangeError(`protobuf kind ${kind} is not expected`);
  }
}

function writeVarint(value: bigint, out: Buffer, at: number): number {
  let o = at;
  let rest = value;
  while (rest >= 0x80n) {
    out[o++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  out[o++] = Number(rest);
  return o;
}
