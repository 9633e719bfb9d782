import { z } from '../schema.ts';

/** Turns the members of a record of one version into those of the next. */
export type RecordUpgrade = (members: Record<string, unknown>) => Record<string, unknown>;

/** How one kind of record is written and read: JSON with its version in member `v`. */
export interface RecordFormat<T> {
  encode(value: T): string;
  /** Throws an `Error` that says what is wrong with the text. */
  parse(text: string): T;
}

const envelope = z.looseObject({ v: z.int().check(z.minimum(1)) });

/**
 * A format whose current version is one more than the number of `upgrades`; the n-th of them lifts version n+1.
 * Members that the schema does not know are let pass and forgotten.
 */
export function versionedRecord<T>(
  schema: z.ZodMiniType<T>,
  upgrades: readonly RecordUpgrade[] = [],
): RecordFormat<T> {
  const current = upgrades.length + 1;
  return {
    encode: (value) => JSON.stringify({ v: current, ...value }),
    parse: (text) => {
      const read = envelope.safeParse(JSON.parse(text));
      if (!read.success) throw new Error(z.prettifyError(read.error));
      const { v, ...members } = read.data;
      if (v > current)
        throw new Error(`version ${v} is newer than this agent's ${current}; start the newer agent again`);
      const lifted = upgrades.slice(v - 1).reduce((older, upgrade) => upgrade(older), members);
      const parsed = schema.safeParse(lifted);
      if (!parsed.success) throw new Error(z.prettifyError(parsed.error));
      return parsed.data;
    },
  };
}
