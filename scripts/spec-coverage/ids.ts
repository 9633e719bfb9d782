/** A checklist id without leading zeros: `ENG-1`, however it was written. */
export type SpecId = string;

/** The checklist of one prefix in one file of docs/spec. */
export interface Checklist {
  readonly file: string;
  readonly prefix: string;
  readonly ids: readonly SpecId[];
}

/** An id that is knowingly left unproven, and why. */
export interface Deferral {
  readonly id: SpecId;
  readonly reason: string;
}

/** A list item's start: marker or number, check box, bold, then the id; all but the id may be absent. */
const DEFINITION = /^\s*(?:[-*]\s+|\d+\.\s+)?(?:\[[ x]\]\s+)?(?:\*\*)?([A-Z]{2,5})-(\d+)\b/;
const ID = /\b([A-Z]{2,5})-(\d+)\b/g;
const BRACKETS = /\([A-Z]{2,5}-\d+(?:, *[A-Z]{2,5}-\d+)*\)/g;
const TABLE_ROW = /^\|([^|]*)\|(.*)\|\s*$/;

/** The ids that a file of docs/spec defines, one checklist a prefix, in the file's order. */
export function parseChecklists(file: string, text: string): Checklist[] {
  const byPrefix = new Map<string, Set<SpecId>>();
  for (const line of text.split('\n')) {
    const [, prefix, number] = DEFINITION.exec(line) ?? [];
    if (prefix === undefined || number === undefined) continue;
    const ids = byPrefix.get(prefix) ?? new Set();
    byPrefix.set(prefix, ids.add(normalised(prefix, number)));
  }
  return [...byPrefix].map(([prefix, ids]) => ({ file, prefix, ids: [...ids] }));
}

/** The ids that a test's name says it proves: those in brackets of their own, `(ENG-14, OBS-3)`. */
export function idsOfTestName(name: string): SpecId[] {
  return [...name.matchAll(BRACKETS)].flatMap(([brackets]) =>
    [...brackets.matchAll(ID)].map(([, prefix = '', number = '']) => normalised(prefix, number)),
  );
}

/** Rows `| id | reason |` of docs/spec/deferred.md. A row may name several ids. */
export function parseDeferrals(text: string): Deferral[] {
  return text.split('\n').flatMap((line) => {
    const [, ids = '', reason = ''] = TABLE_ROW.exec(line) ?? [];
    return [...ids.matchAll(ID)].map(([, prefix = '', number = '']) => ({
      id: normalised(prefix, number),
      reason: reason.trim(),
    }));
  });
}

function normalised(prefix: string, number: string): SpecId {
  return `${prefix}-${Number(number)}`;
}
