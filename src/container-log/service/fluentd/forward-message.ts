import { randomBytes } from 'node:crypto';
import type { LogConfig } from '../../log-config.ts';
import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';

/** An EventTime: ext type 0, 8 bytes (Forward protocol v1). */
const EVENT_TIME = Buffer.from([0xd7, 0x00]);

/** What is the same in all messages of a container, in msgpack. */
export class ForwardEncoder {
  readonly #subSecond: boolean;
  readonly #tag: Buffer;
  readonly #container: Buffer;
  readonly #extras: readonly (readonly [string, string])[];

  constructor(config: LogConfig, subSecond: boolean) {
    const { container, tag = '', attributes } = config;
    this.#subSecond = subSecond;
    this.#tag = text(tag);
    const own = { container_id: container.id, container_name: `/${container.name.replace(/^\//, '')}` };
    this.#container = Buffer.concat(
      Object.entries(own)
        .filter(([name]) => !Object.hasOwn(attributes, name))
        .flatMap(([name, value]) => [text(name), text(value)]),
    );
    this.#extras = Object.entries(attributes);
    this.#ownCount = Object.keys(own).filter((name) => !Object.hasOwn(attributes, name)).length;
  }

  readonly #ownCount: number;

  /** Appends `[tag, time, record, option]`; `chunk` asks for an acknowledgement by that name. */
  append(message: LogMessage, out: GrowingBuffer, chunk?: string): void {
    const { partial } = message;
    const record = new Map<string, Buffer>();
    const put = (name: string, value: string | Buffer) => record.set(name, text(value));
    put('source', message.stream);
    put('log', message.bytes);
    for (const [name, value] of this.#extras) put(name, value);
    if (partial !== undefined) {
      put('partial_message', 'true');
      put('partial_id', partial.id);
      put('partial_ordinal', String(partial.ordinal));
      put('partial_last', String(partial.last));
    }
    out.append(Buffer.from([0x94]));
    out.append(this.#tag);
    out.append(this.#time(message.time));
    out.append(mapHead(record.size + this.#ownCount));
    out.append(this.#container);
    for (const [name, value] of record) {
      out.append(text(name));
      out.append(value);
    }
    out.append(mapHead(chunk === undefined ? 0 : 1));
    if (chunk !== undefined) for (const part of ['chunk', chunk]) out.append(text(part));
  }

  #time(time: bigint): Buffer {
    const seconds = time / 1_000_000_000n;
    if (!this.#subSecond) {
      const head = Buffer.alloc(5);
      head[0] = 0xce;
      head.writeUInt32BE(Number(seconds), 1);
      return head;
    }
    const parts = Buffer.alloc(8);
    parts.writeUInt32BE(Number(seconds), 0);
    parts.writeUInt32BE(Number(time % 1_000_000_000n), 4);
    return Buffer.concat([EVENT_TIME, parts]);
  }
}

/** A name for an acknowledgement: the time and chance, in base64. */
export function chunkId(nowMs: number): string {
  const id = Buffer.concat([Buffer.alloc(8), randomBytes(8)]);
  id.writeBigUInt64LE(BigInt(Math.floor(nowMs / 1000)));
  return id.toString('base64');
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

/** A string; bytes that are no UTF-8 go as they are. */
function text(value: string | Buffer): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const { length } = bytes;
  if (length < 32) return Buffer.concat([Buffer.from([0xa0 | length]), bytes]);
  if (length < 256) return Buffer.concat([Buffer.from([0xd9, length]), bytes]);
  if (length < 65_536) return Buffer.concat([Buffer.from([0xda, length >> 8, length & 255]), bytes]);
  const head = Buffer.alloc(5);
  head[0] = 0xdb;
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, bytes]);
}

function mapHead(size: number): Buffer {
  return size < 16 ? Buffer.from([0x80 | size]) : Buffer.from([0xde, size >> 8, size & 255]);
}
