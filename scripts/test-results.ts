import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** Where the last full run of each layer is kept. */
export const TEST_RESULTS_FILE = join(import.meta.dirname, '../.run/test-results.json');

const testResult = z.object({
  /** Relative to the repository. */
  file: z.string(),
  /** The test's own title, without its groups. */
  name: z.string(),
  state: z.enum(['passed', 'failed', 'skipped']),
});

const testResults = z.object({
  /** By layer: unit, contract … */
  layers: z.record(z.string(), z.array(testResult)),
});

export type TestResult = z.infer<typeof testResult>;
export type TestResults = z.infer<typeof testResults>;

/** The kept results; no layers when no full run has been. */
export function readTestResults(file: string = TEST_RESULTS_FILE): TestResults {
  if (!existsSync(file)) return { layers: {} };
  return testResults.parse(JSON.parse(readFileSync(file, 'utf8')));
}

/** Replaces the kept results. */
export function writeTestResults(results: TestResults, file: string = TEST_RESULTS_FILE): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(results, undefined, 1)}\n`);
}

/** Drops the results of these layers: what follows may break off and must not leave old ones behind. */
export function forgetLayers(names: readonly string[], file: string = TEST_RESULTS_FILE): void {
  const kept = Object.entries(readTestResults(file).layers).filter(([name]) => !names.includes(name));
  writeTestResults({ layers: Object.fromEntries(kept) }, file);
}
