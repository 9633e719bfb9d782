import { randomFillSync } from 'node:crypto';
import type { LogConfig } from '../../log-config.ts';
import type { StreamName } from '../../log-paths.ts';
import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';

/** An EventTime: ext type 0, 8 bytes (Forward protocol v1). */
const EVENT_TIME = Buffer.from([0xd7, 0x00]);
const CHANCE_BYTES = 8;

/** Fields that only parts of lines have; they overwrite attributes of the same name. */
const PART_FIELDS = ['partial_message', 'partial_id', 'partial_ordinal', 'partial_last'];
const LOG = text('log');
const CHUNK = text('chunk');

/** Fields of a record that are the same in all messages of a kind, encoded, and how many they are. */
interface FixedFields {
  readonly bytes: Buffer;
  readonly count: number;
}

/** Writes messages `[tag, time, record, option]` in msgpack. What is the same in all of them is encoded once. */
export class ForwardEncoder {
  readonly #subSecond: boolean;
  readonly #head: Buffer;
  readonly #whole: Readonly<Record<StreamName, FixedFields>>;
  readonly #part: Readonly<Record<StreamName, FixedFields>>;
  /** An attribute is in its place. */
  readonly #hasOwnLog: boolean;

  constructor(config: LogConfig, subSecond: boolean) {
    const { container, tag = '', attributes } = config;
    this.#subSecond = subSecond;
    this.#head = Buffer.concat([Buffer.from([0x94]), text(tag)]);
    this.#hasOwnLog = Object.hasOwn(attributes, 'log');
    const fieldsOf = (source: StreamName) => ({
      container_id: container.id,
      container_name: `/${container.name.replace(/^\//, '')}`,
      source,
      ...attributes,
    });
    const forStreams = (without: readonly string[]) => ({
      stdout: fixedFields(fieldsOf('stdout'), without),
      stderr: fixedFields(fieldsOf('stderr'), without),
    });
    this.#whole = forStreams([]);
    this.#part = forStreams(PART_FIELDS);
  }

  /** Appends a message; `chunk` asks for an acknowledgement by that name. */
  append({ stream, time, bytes, partial }: LogMessage, out: GrowingBuffer, chunk?: string): void {
    const fixed = (partial === undefined ? this.#whole : this.#part)[stream];
    const parts = partial === undefined ? 0 : PART_FIELDS.length;
    out.append(this.#head);
    appendTime(time, this.#subSecond, out);
    out.append(mapHead(fixed.count + (this.#hasOwnLog ? 0 : 1) + parts));
    out.append(fixed.bytes);
    if (!this.#hasOwnLog) {
      out.append(LOG);
      out.append(textHead(bytes.length));
      out.append(bytes);
    }
    if (partial !== undefined) {
      const values = ['true', partial.id, String(partial.ordinal), String(partial.last)];
      for (const [index, name] of PART_FIELDS.entries()) {
        out.append(text(name));
        out.append(text(values[index] ?? ''));
      }
    }
    out.append(mapHead(chunk === undefined ? 0 : 1));
    if (chunk === undefined) return;
    out.append(CHUNK);
    out.append(textHead(chunk.length));
    out.appendText(chunk);
  }
}

function fixedFields(fields: Readonly<Record<string, string>>, without: readonly string[]): FixedFields {
  const kept = Object.entries(fields).filter(([name]) => !without.includes(name));
  return {
    bytes: Buffer.concat(kept.flatMap(([name, value]) => [text(name), text(value)])),
    count: kept.length,
  };
}

function appendTime(time: bigint, subSecond: boolean, out: GrowingBuffer): void {
  const seconds = Number(time / 1_000_000_000n);
  out.reserve(10);
  const { bytes, length } = out;
  if (!subSecond) {
    bytes[length] = 0xce;
    bytes.writeUInt32BE(seconds, length + 1);
    out.length += 5;
    return;
  }
  bytes.set(EVENT_TIME, length);
  bytes.writeUInt32BE(seconds, length + 2);
  bytes.writeUInt32BE(Number(time % 1_000_000_000n), length + 6);
  out.length += 10;
}

/** Names for acknowledgements: the time and chance, in base64. */
export class ChunkIds {
  readonly #chance = Buffer.alloc(CHANCE_BYTES * 256);
  #used = this.#chance.length;

  next(nowMs: number): string {
    // The kernel is asked seldom: a message has a name of its own.
    if (this.#used === this.#chance.length) {
      randomFillSync(this.#chance);
      this.#used = 0;
    }
    const id = Buffer.allocUnsafe(8 + CHANCE_BYTES);
    id.writeBigUInt64LE(BigInt(Math.floor(nowMs / 1000)));
    this.#chance.copy(id, 8, this.#used, this.#used + CHANCE_BYTES);
    this.#used += CHANCE_BYTES;
    return id.toString('base64');
  }
}

/** The names in a server's acknowledgements `{"ack": "<name>"}`, which may come in any pieces. */
export class AckReader {
  #rest = Buffer.alloc(0);

  /** Those that this piece completes. Throws when the server sends something else. */
  push(piece: Buffer): string[] {
    this.#rest = Buffer.concat([this.#rest, piece]);
    const acks: string[] = [];
    for (;;) {
      const ack = this.#take();
      if (ack === undefined) return acks;
      acks.push(ack);
    }
  }

  #take(): string | undefined {
    // {"ack": str}: a map of one, "ack", and a string of up to 31, 255 or 65535 bytes.
    const bytes = this.#rest;
    if (bytes.length < 6) return undefined;
    if (bytes[0] !== 0x81 || bytes.toString('latin1', 1, 5) !== '\xa3ack')
      throw new Error('the server sent something that is no acknowledgement');
    const kind = bytes[5] ?? 0;
    const [head, length] =
      (kind & 0xe0) === 0xa0
        ? [6, kind & 0x1f]
        : kind === 0xd9
          ? [7, bytes[6] ?? 0]
          : kind === 0xda && bytes.length > 7
            ? [8, bytes.readUInt16BE(6)]
            : [6, -1];
    if (length < 0) throw new Error('the server sent something that is no acknowledgement');
    if (bytes.length < head + length) return undefined;
    this.#rest = bytes.subarray(head + length);
    return bytes.toString('utf8', head, head + length);
  }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([textHead(bytes.length), bytes]);
}

/** What stands before a string of so many bytes; bytes that are no UTF-8 follow as they are. */
function textHead(length: number): Buffer {
  if (length < 32) return Buffer.from([0xa0 | length]);
  if (length < 256) return Buffer.from([0xd9, length]);
  if (length < 65_536) return Buffer.from([0xda, length >> 8, length & 255]);
  const head = Buffer.alloc(5);
  head[0] = 0xdb;
  head.writeUInt32BE(length, 1);
  return head;
}

function mapHead(size: number): Buffer {
  return size < 16 ? Buffer.from([0x80 | size]) : Buffer.from([0xde, size >> 8, size & 255]);
}
