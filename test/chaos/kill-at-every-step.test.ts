import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONTAINERD_VERSIONS } from '../support/containerd-versions.ts';
import { PlayedInstance } from '../support/instance.ts';
import { isFullRun, randomFrom, testSeed } from '../support/sample.ts';
import { killAtEach } from './chaos-world.ts';
import { allKillPoints, cellOf, KILL_BOUNDARIES, STEP_KINDS, sampleKillPoints } from './kill-points.ts';
import { SHAPES } from './shapes.ts';

/** Of some five hundred; the seed chooses which. */
const SAMPLE = isFullRun() ? 160 : 64;
const AT_ONCE = 6;

const seed = testSeed();
/** One of them in a full run too, which is long: the seed chooses. */
const containerdVersion =
  CONTAINERD_VERSIONS[Math.floor(randomFrom(seed)() * CONTAINERD_VERSIONS.length)] ?? '1.7';
const TIMEOUT_MS = isFullRun() ? 60 * 60_000 : 20 * 60_000;

describe(`the agent, killed at steps of tasks on containerd ${containerdVersion} (seed ${seed})`, () => {
  let instance: PlayedInstance;
  let visit: Disposable;
  beforeAll(async () => {
    instance = await PlayedInstance.create('chaos');
    visit = instance.host.enter();
  });
  afterAll(async () => {
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  it(
    'starts each container as often as is right, tells ECS the truth once and leaves nothing (ENG-127, CTD-30)',
    async () => {
      const all = allKillPoints(SHAPES, seed);
      const points = sampleKillPoints(all, SAMPLE, seed);
      expect(points.length).toBeGreaterThanOrEqual(isFullRun() ? 150 : 60);
      const begun = performance.now();
      const { met, missed, deaths, tasks } = await killAtEach(points, AT_ONCE, {
        containerdVersion,
        instance,
      });
      const seconds = Math.round((performance.now() - begun) / 1000);
      console.info(
        `seed ${seed}: ${met.length} of ${all.length} points tried on containerd ${containerdVersion}: ` +
          `${deaths} kills, ${tasks} tasks, ${seconds} s`,
      );
      expect(missed).toEqual([]);
      const cells = STEP_KINDS.flatMap((kind) =>
        KILL_BOUNDARIES.map((boundary) => cellOf({ kind, boundary })),
      );
      expect(new Set(met.map(cellOf))).toEqual(new Set(cells));
    },
    TIMEOUT_MS,
  );
});
