import { stdSerializers } from 'pino';

/** Objects within objects are shown so far down. */
const MAX_DEPTH = 8;

export const REDACTED = '[redacted]';

/** Members whose values never show, wherever they are. */
export const SECRET_NAMES: ReadonlySet<string> = new Set([
  'accessKeyId',
  'auth',
  'authorization',
  'Authorization',
  'credentials',
  'engineAuthData',
  'password',
  'secretAccessKey',
  'sessionToken',
  'token',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'ECS_ENGINE_AUTH_DATA',
  'x-amz-security-token',
  'x-aws-ec2-metadata-token',
]);

/** An error as pino shows it, of plain values alone. */
export function plainError(error: Error): unknown {
  return plain(stdSerializers.err(error), []);
}

/** Fields of a log line as plain values without secrets; `err` is left to its own serializer. */
export function plainFields(fields: object): Record<string, unknown> {
  return plainMembers(fields, (name, value) => (name === 'err' ? value : plain(value, [])));
}

function plainMembers(
  members: object,
  shown: (name: string, value: unknown) => unknown,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [
      name,
      SECRET_NAMES.has(name) ? REDACTED : shown(name, value),
    ]),
  );
}

/**
 * A value as JSON would show it, without secrets. Accessors of prototypes are not asked, as those of a Buffer or a URL
 * throw: a server that does not speak HTTP, told by an error with the bytes that came, would end the agent. Pino's own
 * redaction follows each of its paths in every line, which took a twentieth of the time of many starts at once.
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
    return plainMembers(value, (_name, member) => plain(member, inner));
  } catch {
    return '[unreadable]';
  }
}
