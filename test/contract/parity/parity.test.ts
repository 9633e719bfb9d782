import { beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { expectDocument } from '../../support/kept-document.ts';
import { randomFrom, testSeed } from '../../support/sample.ts';
import { CASES } from './cases.ts';
import { INTENDED } from './intended.ts';
import { faultsOf, parityDocument } from './report.ts';
import { type ParityResult, runParity } from './run-parity.ts';

const MOST_INTENDED = 15;
const RUN_MS = 300_000;

const seed = testSeed();
/**
 * The seed chooses one a run, in a full one too: threads of this process that open files stay in the network of the
 * first host that was played, so that there can be only one.
 */
const version = CONTAINERD_VERSIONS[Math.floor(randomFrom(seed)() * CONTAINERD_VERSIONS.length)] ?? '1.7';

describe(`a container on containerd ${version} (seed ${seed}), beside the same on dockerd`, () => {
  let results: readonly ParityResult[] = [];
  beforeAll(async () => {
    results = await runParity(version);
  }, RUN_MS);

  it('sees and may do the same, but for what is meant to differ', () => {
    expect(faultsOf(results)).toEqual([]);
    expect(results.map(({ name }) => name)).toEqual(CASES.map(({ name }) => name));
    expect(INTENDED.length).toBeLessThanOrEqual(MOST_INTENDED);
  });

  it('is described in docs/parity.md as it is', () => {
    expectDocument('parity.md', parityDocument(results));
  });
});
