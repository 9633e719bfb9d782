declare global {
  interface JSON {
    /** A piece of JSON text that `stringify` copies as it is. */
    rawJSON(text: string): object;
  }
}

/** JSON text with bigints as plain numbers: unsigned 64-bit values as Go reads them (CTD-44). */
export function stringifyOci(value: object): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === 'bigint' ? JSON.rawJSON(String(entry)) : entry,
  );
}

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Reads JSON text; whole numbers too large for a JavaScript number come as bigints, so that none changes. */
export function parseOci(text: string): unknown {
  const revive: Reviver = (_key, value, context) =>
    typeof value === 'number' && /^-?\d{16,}$/.test(context.source ?? '') && !Number.isSafeInteger(value)
      ? BigInt(context.source ?? 0)
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}
