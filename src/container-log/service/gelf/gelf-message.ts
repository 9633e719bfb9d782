import { randomBytes } from 'node:crypto';
import type { LogConfig } from '../../log-config.ts';
import { escapeJsonText } from '../json-text.ts';
import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';

const LEVEL = { stdout: 6, stderr: 3 } as const;
const CHUNK_BYTES = 1420;
const CHUNK_HEADER_BYTES = 12;
const MAX_CHUNKS = 128;

/** The members after those of the message itself, up to the closing brace (logging.md §19). */
export function gelfTail({ container, tag = '', attributes, hostname }: LogConfig): string {
  const members: Record<string, string> = {
    host: hostname,
    version: '1.1',
    _container_id: container.id,
    _container_name: container.name,
    _image_id: container.imageId,
    _image_name: container.imageName,
    _command: container.command.join(' '),
    _tag: tag,
    _created: new Date(container.createdAt).toISOString().replace(/\.?0*Z$/, 'Z'),
  };
  for (const [name, value] of Object.entries(attributes)) members[`_${name}`] = value;
  return `,${JSON.stringify(members).slice(1)}`;
}

/** Appends a message as GELF JSON; an empty one not at all. */
export function appendGelfMessage(message: LogMessage, out: GrowingBuffer, tail: string): void {
  if (message.bytes.length === 0) return;
  const ms = message.time / 1_000_000n;
  const seconds = `${ms / 1000n}.${String(ms % 1000n).padStart(3, '0')}`;
  out.appendText(`{"timestamp":${seconds},"level":${LEVEL[message.stream]},"short_message":"`);
  out.reserve(6 * message.bytes.length);
  out.length = escapeJsonText(message.bytes, out.bytes, out.length);
  out.appendText('"');
  out.appendText(tail);
}

/** A datagram as it is, or in pieces that a GELF server joins. Undefined: it would take more than 128. */
export function gelfChunks(datagram: Buffer): readonly Buffer[] | undefined {
  if (datagram.length <= CHUNK_BYTES) return [datagram];
  const size = CHUNK_BYTES - CHUNK_HEADER_BYTES;
  const count = Math.ceil(datagram.length / size);
  if (count > MAX_CHUNKS) return undefined;
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      datagram.subarray(index * size, (index + 1) * size),
    ]),
  );
}
