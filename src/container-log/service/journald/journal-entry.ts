import type { LogConfig } from '../../log-config.ts';
import { rfc3339Nano } from '../json-file/json-line.ts';
import type { LogMessage } from '../log-message.ts';
import type { GrowingBuffer } from '../send-slots.ts';

const PRIORITY = { stdout: '6', stderr: '3' } as const;
const LINE_FEED = 0x0a;

/** The fields that are the same in all entries of a container (logging.md §17), in journald's native form. */
export function containerFields(config: LogConfig, epoch: string): Buffer {
  const { container, tag = '', attributes } = config;
  const fields: Record<string, string> = {
    CONTAINER_ID: container.id.slice(0, 12),
    CONTAINER_ID_FULL: container.id,
    CONTAINER_NAME: container.name,
    CONTAINER_TAG: tag,
    IMAGE_NAME: container.imageName,
    SYSLOG_IDENTIFIER: tag,
    CONTAINER_LOG_EPOCH: epoch,
  };
  for (const [name, value] of Object.entries(attributes)) {
    const field = fieldName(name);
    if (field !== '') fields[field] = value;
  }
  return Buffer.concat(Object.entries(fields).map(([name, value]) => encodeField(name, Buffer.from(value))));
}

/** A label's or variable's name as journald takes it: upper case, `_` for the rest, none in front. */
export function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9_]/g, '_')
    .replace(/^_+/, '');
}

/** Appends an entry; `ordinal` counts those of this run. */
export function appendJournalEntry(
  message: LogMessage,
  out: GrowingBuffer,
  fields: Buffer,
  ordinal: number,
): void {
  out.append(fields);
  const put = (name: string, value: string) => out.appendText(`${name}=${value}\n`);
  put('PRIORITY', PRIORITY[message.stream]);
  put('SYSLOG_TIMESTAMP', rfc3339Nano(message.time));
  put('CONTAINER_LOG_ORDINAL', String(ordinal));
  const { partial } = message;
  if (partial !== undefined) {
    if (!partial.last) put('CONTAINER_PARTIAL_MESSAGE', 'true');
    put('CONTAINER_PARTIAL_ID', partial.id);
    put('CONTAINER_PARTIAL_ORDINAL', String(partial.ordinal));
    put('CONTAINER_PARTIAL_LAST', String(partial.last));
  }
  out.append(encodeField('MESSAGE', message.bytes));
}

/** `NAME=value`, or with its length in front where the value has line feeds. */
function encodeField(name: string, value: Buffer): Buffer {
  if (!value.includes(LINE_FEED))
    return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from([LINE_FEED])]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from([LINE_FEED])]);
}
