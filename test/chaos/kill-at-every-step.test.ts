import { describe, expect, it } from 'vitest';
import type { ContainerdVersion } from '../support/containerd-versions.ts';
import { isFullRun, sampleOf, testSeed } from '../support/sample.ts';
import { killAtEach } from './chaos-world.ts';
import { allKillPoints, cellOf, KILL_BOUNDARIES, STEP_KINDS, sampleKillPoints } from './kill-points.ts';
import { SHAPES } from './shapes.ts';

const SAMPLE = 64;
const AT_ONCE = 6;

const seed = testSeed();
const [containerdVersion = '1.7'] = sampleOf<ContainerdVersion>(['1.6', '1.7', '2.1'], 1, seed);

describe(`the agent, killed at steps of tasks on containerd ${containerdVersion} (seed ${seed})`, () => {
  it('starts each container as often as is right, tells ECS the truth once and leaves nothing (ENG-127, CTD-30)', async () => {
    const all = allKillPoints(SHAPES, seed);
    const points = isFullRun() ? all : sampleKillPoints(all, SAMPLE, seed);
    expect(points.length).toBeGreaterThanOrEqual(isFullRun() ? 150 : 60);
    const begun = performance.now();
    const { met, missed, deaths, tasks } = await killAtEach(points, AT_ONCE, { containerdVersion });
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.info(
      `seed ${seed}: ${met.length} of ${all.length} points tried on containerd ${containerdVersion}: ` +
        `${deaths} kills, ${tasks} tasks, ${seconds} s`,
    );
    expect(missed).toEqual([]);
    const cells = STEP_KINDS.flatMap((kind) => KILL_BOUNDARIES.map((boundary) => cellOf({ kind, boundary })));
    expect(new Set(met.map(cellOf))).toEqual(new Set(cells));
  }, 1_200_000);
});
