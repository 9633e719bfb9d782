import type { Reporter, TestCase, TestModule, TestSpecification, TestSuite, Vitest } from 'vitest/node';
import { readTestResults, TEST_RESULTS_FILE, type TestResult, writeTestResults } from './test-results.ts';

/**
 * Keeps the results of every layer that ran in full, for `npm run spec-coverage` and the closing line of
 * ./scripts/test. A run of chosen files or names says nothing about the rest, so it changes nothing there.
 */
export default class ResultsReporter implements Reporter {
  readonly #file: string;
  #vitest: Vitest | undefined;
  #isFull = false;

  constructor(options: { readonly file?: string } = {}) {
    this.#file = options.file ?? TEST_RESULTS_FILE;
  }

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  async onTestRunStart(specifications: readonly TestSpecification[]): Promise<void> {
    const all = (await this.#vitest?.globTestSpecifications()) ?? [];
    this.#isFull = this.#vitest?.config.testNamePattern === undefined && specifications.length === all.length;
  }

  /** Tells a failure as it happens: a long run may be broken off before its summary. */
  onTestCaseResult(test: TestCase): void {
    const { state, errors } = test.result();
    if (state === 'failed') tellFailure(`${test.module.relativeModuleId} > ${test.fullName}`, errors);
  }

  /** The same of its hooks, and of a file that cannot be loaded. */
  onTestSuiteResult(suite: TestSuite): void {
    if (suite.errors().length > 0)
      tellFailure(`${suite.module.relativeModuleId} > ${suite.fullName}`, suite.errors());
  }

  onTestModuleEnd(module: TestModule): void {
    if (module.errors().length > 0) tellFailure(module.relativeModuleId, module.errors());
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[], reason: string): void {
    if (this.#vitest === undefined || !this.#isFull || reason === 'interrupted') return;
    const layers = { ...readTestResults(this.#file).layers };
    for (const { name } of this.#vitest.projects) layers[name] = [];
    for (const module of modules) layers[module.project.name]?.push(...resultsOf(module));
    // An error outside any test must not look like a clean run.
    const [first = ''] = Object.keys(layers);
    for (const _ of errors)
      layers[first]?.push({ file: '', name: 'an error outside any test', state: 'failed' });
    writeTestResults({ layers }, this.#file);
  }
}

function tellFailure(
  name: string,
  errors: readonly { readonly message: string; readonly stack?: string }[],
): void {
  console.error(`\nfailed: ${name}`);
  for (const { message, stack } of errors)
    console.error((stack ?? message).split('\n').filter(isOurs).join('\n'));
}

function isOurs(line: string): boolean {
  return !line.includes('/node_modules/');
}

function resultsOf(module: TestModule): TestResult[] {
  const file = module.relativeModuleId;
  const tests = [...module.children.allTests()].map((test): TestResult => {
    const { state } = test.result();
    return { file, name: test.name, state: state === 'pending' ? 'skipped' : state };
  });
  // A file that cannot be loaded, or a hook that fails, has no test of its own.
  const broken =
    module.errors().length > 0 || [...module.children.allSuites()].some((suite) => suite.errors().length > 0);
  return broken ? [...tests, { file, name: 'the file loads and its hooks run', state: 'failed' }] : tests;
}
