import { stdSerializers } from 'pino';

/** Objects within objects are shown so far down. */
const MAX_DEPTH = 8;

/** An error as pino shows it, of plain values alone. */
export function plainError(error: Error): unknown {
  return plain(stdSerializers.err(error), []);
}

/** Fields of a log line as plain values; `err` is left to its own serializer. */
export function plainFields(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, name === 'err' ? value : plain(value, [])]),
  );
}

/**
 * A value as JSON would show it. What redacts secrets walks over whatever it is given, accessors of prototypes
 * included, and those of a Buffer or a URL throw there: a server that does not speak HTTP, told by an error with the
 * bytes that came, would end the agent.
 */
function plain(value: unknown, within: readonly object[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error)
    return within.includes(value) ? '[circular]' : plain(stdSerializers.err(value), [...within, value]);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (within.includes(value)) return '[circular]';
  if (within.length >= MAX_DEPTH) return '[more]';
  const inner = [...within, value];
  try {
    if ('toJSON' in value && typeof value.toJSON === 'function') return plain(value.toJSON(), inner);
    if (Array.isArray(value)) return value.map((item) => plain(item, inner));
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member, inner)]));
  } catch {
    return '[unreadable]';
  }
}
