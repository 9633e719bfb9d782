import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { forgetLayers, readTestResults, writeTestResults } from '../../../scripts/test-results.ts';
import { type RunResult, tryRun } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

// Each test starts a vitest of its own.
vi.setConfig({ testTimeout: 60_000 });

const REPOSITORY = join(import.meta.dirname, '../../..');

let scratch: Scratch;
let resultsFile: string;

/** A project of its own with two layers: `first` has a test of each kind, `second` a file that cannot load. */
beforeEach(() => {
  scratch = makeScratch();
  resultsFile = scratch.path('run/results.json');
  mkdirSync(scratch.path('first'));
  mkdirSync(scratch.path('second'));
  const vitest = JSON.stringify(join(REPOSITORY, 'node_modules/vitest/dist/index.js'));
  writeFileSync(
    scratch.path('first/a.test.ts'),
    `import { test } from ${vitest};
     test('passes (AB-1)', () => {});
     test('fails (AB-2)', () => { throw new Error('on purpose'); });
     test.skip('waits (AB-3)', () => {});`,
  );
  writeFileSync(scratch.path('second/b.test.ts'), `throw new Error('on purpose');`);
  const reporter = [join(REPOSITORY, 'scripts/results-reporter.ts'), { file: resultsFile }];
  const projects = ['first', 'second'].map((name) => ({ test: { name, include: [`${name}/*.test.ts`] } }));
  writeFileSync(
    scratch.path('vitest.config.mjs'),
    `export default ${JSON.stringify({ test: { reporters: [reporter], projects } })};`,
  );
});

afterEach(() => scratch.remove());

function vitest(...args: readonly string[]): Promise<RunResult> {
  const entry = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
  return tryRun(process.execPath, [entry, 'run', '--root', scratch.directory, ...args]);
}

test('keeps every result of a full run, a file that cannot load as a failure', async () => {
  expect((await vitest()).exitCode).toBe(1);
  expect(readTestResults(resultsFile).layers).toEqual({
    first: [
      { file: 'first/a.test.ts', name: 'passes (AB-1)', state: 'passed' },
      { file: 'first/a.test.ts', name: 'fails (AB-2)', state: 'failed' },
      { file: 'first/a.test.ts', name: 'waits (AB-3)', state: 'skipped' },
    ],
    second: [{ file: 'second/b.test.ts', name: 'the file loads and its hooks run', state: 'failed' }],
  });
});

test('tells each failure as it happens, of a test, of a hook and of a file that cannot load', async () => {
  const module = JSON.stringify(join(REPOSITORY, 'node_modules/vitest/dist/index.js'));
  writeFileSync(
    scratch.path('first/hook.test.ts'),
    `import { beforeAll, describe, test } from ${module};
     describe('suite', () => {
       beforeAll(() => { throw new Error('in a hook'); });
       test('is not run', () => {});
     });`,
  );
  const { stderr } = await vitest();
  expect(stderr).toContain('failed: first/a.test.ts > fails (AB-2)\nError: on purpose\n');
  expect(stderr).toContain('failed: first/hook.test.ts > suite\nError: in a hook\n');
  expect(stderr).toContain('failed: second/b.test.ts\nError: on purpose\n');
});

test('replaces the layers that ran in full and keeps the others', async () => {
  const old = [{ file: 'old.test.ts', name: 'old', state: 'passed' }] as const;
  writeTestResults({ layers: { first: [...old], other: [...old] } }, resultsFile);
  await vitest('--project', 'first');
  const { layers } = readTestResults(resultsFile);
  expect(layers.first).toHaveLength(3);
  expect(layers.other).toEqual(old);
});

test.each([
  ['files', ['first/a']],
  ['names', ['-t', 'passes']],
])('changes nothing in a run of chosen %s', async (_, args) => {
  await vitest(...args);
  expect(readTestResults(resultsFile).layers).toEqual({});
});

test('forgets the layers that are about to run', () => {
  writeTestResults({ layers: { first: [], second: [] } }, resultsFile);
  forgetLayers(['first'], resultsFile);
  expect(Object.keys(readTestResults(resultsFile).layers)).toEqual(['second']);
});
