import type { TestResult } from '../test-results.ts';
import { type Checklist, type Deferral, idsOfTestName, type SpecId } from './ids.ts';

/** How many ids one test name may claim: more would say nothing about any of them. */
const MAX_IDS_A_NAME = 3;

/** What the checklists hold and what the tests of the last full run prove of it. */
export interface Coverage {
  readonly checklists: readonly ChecklistCoverage[];
  /** What is wrong with names and deferrals; one line each. */
  readonly errors: readonly string[];
}

/** One checklist, its ids split three ways. */
export interface ChecklistCoverage {
  readonly file: string;
  readonly prefix: string;
  readonly proven: readonly SpecId[];
  readonly deferred: readonly SpecId[];
  readonly missing: readonly SpecId[];
}

/** An id is proven when a test that names it passed and none that names it failed. */
export function coverageOf(
  checklists: readonly Checklist[],
  deferrals: readonly Deferral[],
  tests: readonly TestResult[],
): Coverage {
  const prefixes = new Set(checklists.map(({ prefix }) => prefix));
  // Other words of that shape, such as SHA-256, are no ids.
  const idsOf = (name: string) => idsOfTestName(name).filter((id) => prefixes.has(id.replace(/-.*/, '')));
  const named = tests.map((result) => ({ ...result, ids: idsOf(result.name) }));
  const failed = new Set(named.flatMap(({ state, ids }) => (state === 'failed' ? ids : [])));
  const proven = new Set(
    named.flatMap(({ state, ids }) => (state === 'passed' ? ids : [])).filter((id) => !failed.has(id)),
  );
  const deferred = new Set(deferrals.map(({ id }) => id));
  const known = new Set(checklists.flatMap(({ ids }) => ids));
  const unknown = (ids: readonly SpecId[]) => ids.filter((id) => !known.has(id));

  const errors = [
    ...named.flatMap(({ file, name, ids }) => [
      ...(ids.length > MAX_IDS_A_NAME
        ? [`${file}: "${name}" claims ${ids.length} ids, at most ${MAX_IDS_A_NAME} are allowed`]
        : []),
      ...unknown(ids).map((id) => `${file}: "${name}" claims ${id}, which no file of docs/spec has`),
    ]),
    ...deferrals.flatMap(({ id, reason }) => [
      ...(reason === '' ? [`deferred.md: ${id} has no reason`] : []),
      ...unknown([id]).map(() => `deferred.md: no file of docs/spec has ${id}`),
      ...(proven.has(id) ? [`deferred.md: ${id} is proven by a test, so it is not deferred`] : []),
    ]),
    ...deferrals
      .filter(({ id }, index) => deferrals.findIndex((other) => other.id === id) !== index)
      .map(({ id }) => `deferred.md: ${id} is there twice`),
  ];
  return {
    errors: [...new Set(errors)],
    checklists: checklists.map(({ file, prefix, ids }) => ({
      file,
      prefix,
      proven: ids.filter((id) => proven.has(id)),
      deferred: ids.filter((id) => !proven.has(id) && deferred.has(id)),
      missing: ids.filter((id) => !proven.has(id) && !deferred.has(id)),
    })),
  };
}

/** The report: a line a checklist, then, if asked, the unproven ids, then the sums. */
export function renderCoverage(coverage: Coverage, options: { readonly missing: boolean }): string[] {
  const { checklists } = coverage;
  const sum = (count: (checklist: ChecklistCoverage) => number) =>
    checklists.reduce((total, checklist) => total + count(checklist), 0);
  const proven = sum(({ proven }) => proven.length);
  const deferred = sum(({ deferred }) => deferred.length);
  const missing = sum(({ missing }) => missing.length);
  return [
    ...checklists.flatMap((checklist) => [
      `${checklist.file} ${checklist.prefix} ${checklist.proven.length} of ${sizeOf(checklist)}`,
      ...(options.missing && checklist.missing.length > 0 ? [`  ${checklist.missing.join(' ')}`] : []),
    ]),
    `deferred ${deferred}, see docs/spec/deferred.md`,
    `proven ${proven} of ${proven + deferred + missing}`,
  ];
}

function sizeOf({ proven, deferred, missing }: ChecklistCoverage): number {
  return proven.length + deferred.length + missing.length;
}
