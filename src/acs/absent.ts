/** The members that are there: null and undefined mean "absent" on the wire (acs.md §4). */
export type Present<T> = { [K in keyof T]?: NonNullable<T[K]> };

/** Leaves out members that are null or undefined. */
export function dropAbsent<T extends object>(value: T): Present<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== null && member !== undefined),
  ) as Present<T>;
}

/** A text, or undefined when it is absent or empty. */
export function nonEmpty(value: string | null | undefined): string | undefined {
  return value === null || value === '' ? undefined : value;
}
