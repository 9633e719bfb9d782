import type { z } from '../schema.ts';

/** The schemas of a channel's messages, by the name that stands as `type` on the wire. */
export type MessageSchemas = Readonly<Record<string, z.ZodMiniType>>;

/** A message with its name; one variant for each schema. */
export type MessageOf<S extends MessageSchemas> = {
  [T in keyof S & string]: { readonly type: T; readonly message: z.infer<S[T]> };
}[keyof S & string];

/** What one text frame turned out to be (acs.md §3.1, §7). */
export type Frame<S extends MessageSchemas> =
  | { readonly kind: 'message'; readonly message: MessageOf<S> }
  /** A name that is not in the list. */
  | { readonly kind: 'unknown'; readonly type: string }
  /** The one-member form `{"<ErrorName>":"<text>"}`. */
  | { readonly kind: 'error'; readonly name: string; readonly text: string }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Reads a frame; never throws. `errorNames`: names that the one-member form may have. */
export function parseEnvelope<S extends MessageSchemas>(
  text: string,
  schemas: S,
  errorNames: readonly string[],
): Frame<S> {
  const value = parseJsonObject(text);
  if (typeof value === 'string') return { kind: 'malformed', detail: value };
  const { type } = value;
  if (typeof type !== 'string')
    return oneMemberError(value, errorNames) ?? { kind: 'malformed', detail: 'no type' };
  if (!Object.hasOwn(schemas, type)) return { kind: 'unknown', type };
  const parsed = schemas[type]?.safeParse(value.message ?? {});
  if (parsed === undefined || !parsed.success)
    return { kind: 'malformed', detail: `${type}: ${parsed?.error.issues.map(describeIssue).join('; ')}` };
  return { kind: 'message', message: { type, message: parsed.data } as MessageOf<S> };
}

/** The frame of a message. Absent members are left out, whether `undefined` or null (ACS-11). */
export function encodeEnvelope(type: string, message: object): string {
  return JSON.stringify({ type, message }, (_key, value: unknown) => (value === null ? undefined : value));
}

/** `path: what is wrong`. */
export function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

/** The object, or what is wrong with the text. */
function parseJsonObject(text: string): Record<string, unknown> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'not a JSON object';
  return value as Record<string, unknown>;
}

function oneMemberError(
  value: Record<string, unknown>,
  errorNames: readonly string[],
): { kind: 'error'; name: string; text: string } | undefined {
  const [member, ...others] = Object.entries(value);
  if (member === undefined || others.length > 0) return undefined;
  const [name, text] = member;
  if (!errorNames.includes(name) || typeof text !== 'string') return undefined;
  return { kind: 'error', name, text };
}
