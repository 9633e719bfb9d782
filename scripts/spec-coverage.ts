import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { coverageOf, renderCoverage } from './spec-coverage/coverage.ts';
import { parseChecklists, parseDeferrals } from './spec-coverage/ids.ts';
import { readTestResults } from './test-results.ts';

/** `npm run spec-coverage [-- --missing]`: which checklist ids the last full test run proved. */
function main(args: readonly string[]): number {
  const stranger = args.find((arg) => arg !== '--missing');
  if (stranger !== undefined) {
    console.error(`spec-coverage: unknown argument ${stranger}; only --missing is known`);
    return 2;
  }
  const folder = join(import.meta.dirname, '../docs/spec');
  const deferredFile = join(folder, 'deferred.md');
  const checklists = globSync('*.md', { cwd: folder })
    .filter((name) => name !== basename(deferredFile))
    .sort()
    .flatMap((name) => parseChecklists(name, readFileSync(join(folder, name), 'utf8')));
  const deferrals = existsSync(deferredFile) ? parseDeferrals(readFileSync(deferredFile, 'utf8')) : [];
  const { layers } = readTestResults();

  const coverage = coverageOf(checklists, deferrals, Object.values(layers).flat());
  for (const error of coverage.errors) console.error(`error: ${error}`);
  if (Object.keys(layers).length === 0)
    console.error('spec-coverage: no full test run yet; run ./scripts/test');
  for (const line of renderCoverage(coverage, { missing: args.includes('--missing') })) console.log(line);
  return coverage.errors.length === 0 ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
