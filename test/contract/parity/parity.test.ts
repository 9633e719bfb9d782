import { beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { expectDocument } from '../../support/kept-document.ts';
import { sampleOf, testSeed } from '../../support/sample.ts';
import { CASES } from './cases.ts';
import { INTENDED } from './intended.ts';
import { faultsOf, parityDocument } from './report.ts';
import { type ParityResult, runParity } from './run-parity.ts';

const MOST_INTENDED = 15;
const RUN_MS = 300_000;

const seed = testSeed();
/** One a run, all of them in a full one. */
const versions = sampleOf(CONTAINERD_VERSIONS, 1, seed);

describe.each(versions)(
  `a container on containerd %s (seed ${seed}), beside the same on dockerd`,
  (version) => {
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
  },
);
