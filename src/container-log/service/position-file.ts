import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { number, record, text } from '../log-config.ts';
import type { SpoolPosition, StreamPosition } from './spool-reader.ts';

/** What a driver has done so far, recorded after each batch. */
export interface Checkpoint {
  readonly position: SpoolPosition;
  /** The container's streams have ended and everything is delivered. */
  readonly ended: boolean;
  /** What the driver itself needs to go on. */
  readonly driver: Readonly<Record<string, number | string | boolean>>;
}

/** Least room of a slot. */
const SLOT_BYTES = 64 * 1024;
const PREFIX_BYTES = 16;

/**
 * The record of a container's checkpoint, safe against death in the middle of a write: the older slot stays
 * whole until the newer one is. A slot is a CRC-32 and a length in hex, 8 digits each, and JSON.
 */
export class PositionFile {
  readonly #fd: number;
  readonly #slotBytes: number;
  readonly #last: Checkpoint | undefined;
  #sequence: number;

  /** Opens or makes the file (0600). Its two slots, written in turn, have room for two unfinished lines. */
  constructor(path: string, maxMessageBytes: number) {
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    this.#slotBytes = slotBytesFor(maxMessageBytes);
    const slots = [0, 1].flatMap((slot) => readSlot(this.#fd, slot, this.#slotBytes) ?? []);
    const newest = slots.sort((a, b) => b.sequence - a.sequence)[0];
    this.#sequence = newest?.sequence ?? 0;
    this.#last = newest?.checkpoint;
  }

  /** What the last run saved. */
  get last(): Checkpoint | undefined {
    return this.#last;
  }

  /** Throws when the record cannot be written; the one before stays valid then. */
  save(checkpoint: Checkpoint): void {
    const sequence = this.#sequence + 1;
    const json = Buffer.from(JSON.stringify({ version: 1, sequence, ...encode(checkpoint) }));
    const prefix = hex(crc32(json)) + hex(json.length);
    const bytes = Buffer.concat([Buffer.from(prefix), json]);
    const written = writeSync(this.#fd, bytes, 0, bytes.length, (sequence % 2) * this.#slotBytes);
    if (written !== bytes.length)
      throw new Error(`only ${written} of ${bytes.length} bytes of a position were written`);
    this.#sequence = sequence;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

/** Reads the newest checkpoint of a file without opening it for writing; undefined when there is none. */
export function readCheckpoint(path: string, maxMessageBytes: number): Checkpoint | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    const slotBytes = slotBytesFor(maxMessageBytes);
    const slots = [0, 1].flatMap((slot) => readSlot(fd, slot, slotBytes) ?? []);
    return slots.sort((a, b) => b.sequence - a.sequence)[0]?.checkpoint;
  } finally {
    closeSync(fd);
  }
}

/** Both unfinished lines in base64, and as much again as the rest needs. */
function slotBytesFor(maxMessageBytes: number): number {
  return Math.max(SLOT_BYTES, 4 * maxMessageBytes);
}

function readSlot(
  fd: number,
  slot: number,
  slotBytes: number,
): { sequence: number; checkpoint: Checkpoint } | undefined {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  if (readSync(fd, prefix, 0, PREFIX_BYTES, slot * slotBytes) !== PREFIX_BYTES) return undefined;
  const length = Number.parseInt(prefix.toString('latin1', 8, 16), 16);
  if (!(length > 0 && length <= slotBytes - PREFIX_BYTES)) return undefined;
  const json = Buffer.alloc(length);
  if (readSync(fd, json, 0, length, slot * slotBytes + PREFIX_BYTES) !== length) return undefined;
  if (hex(crc32(json)) !== prefix.toString('latin1', 0, 8)) return undefined;
  const root = record(JSON.parse(json.toString()), 'position');
  if (root.version !== 1) return undefined;
  return { sequence: number(root.sequence, 'sequence'), checkpoint: decode(root) };
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

function encode({ position, ended, driver }: Checkpoint) {
  const { streams, ...place } = position;
  return {
    ended,
    driver,
    ...place,
    stdout: encodeStream(streams.stdout),
    stderr: encodeStream(streams.stderr),
  };
}

function encodeStream(stream: StreamPosition) {
  return {
    pending: stream.pending.toString('base64'),
    readAt: String(stream.readAt),
    parts: stream.parts,
    partId: stream.partId,
    partsTime: String(stream.partsTime),
    skipping: stream.skipping,
  };
}

function decode(root: Record<string, unknown>): Checkpoint {
  const driver: Record<string, number | string | boolean> = {};
  for (const [key, value] of Object.entries(record(root.driver, 'driver'))) {
    if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean')
      driver[key] = value;
  }
  return {
    ended: root.ended === true,
    driver,
    position: {
      segment: number(root.segment, 'segment'),
      offset: number(root.offset, 'offset'),
      frameByte: number(root.frameByte, 'frameByte'),
      streams: { stdout: decodeStream(root.stdout), stderr: decodeStream(root.stderr) },
    },
  };
}

function decodeStream(value: unknown): StreamPosition {
  const stream = record(value, 'stream');
  return {
    pending: Buffer.from(text(stream.pending, 'pending'), 'base64'),
    readAt: BigInt(text(stream.readAt, 'readAt')),
    parts: number(stream.parts, 'parts'),
    partId: text(stream.partId, 'partId'),
    partsTime: BigInt(text(stream.partsTime, 'partsTime')),
    skipping: stream.skipping === true,
  };
}
