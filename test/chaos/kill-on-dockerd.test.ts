import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDockerdIn, type TestDockerd } from '../support/dockerd.ts';
import { PlayedInstance } from '../support/instance.ts';
import { isFullRun, testSeed } from '../support/sample.ts';
import { killAtEach } from './chaos-world.ts';
import { allKillPoints, sampleKillPoints } from './kill-points.ts';
import { shapeOf } from './shapes.ts';

const SAMPLE = isFullRun() ? 48 : 12;
const AT_ONCE = 4;

const seed = testSeed();

describe(`the agent, killed at steps of tasks on dockerd (seed ${seed})`, () => {
  let instance: PlayedInstance;
  let dockerd: TestDockerd;
  let visit: Disposable;
  beforeAll(async () => {
    instance = await PlayedInstance.create('chaosd');
    dockerd = await startDockerdIn(instance.host);
    visit = instance.host.enter();
  }, 90_000);
  afterAll(async () => {
    visit?.[Symbol.dispose]();
    await dockerd?.[Symbol.asyncDispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  it('starts each container as often as is right, tells ECS the truth once and leaves nothing (ENG-127)', async () => {
    const eni = { ...shapeOf('eni'), holdsNetwork: true } as const;
    const all = allKillPoints([shapeOf('one'), shapeOf('chain'), eni], seed);
    const points = sampleKillPoints(all, SAMPLE, seed).slice(0, SAMPLE);
    const begun = performance.now();
    const { met, missed, deaths, tasks } = await killAtEach(points, AT_ONCE, {
      containerdVersion: '1.6',
      instance,
      // dockerd keeps the network of its host at hand once a container has used it.
      notOurs: (finding) => finding.includes('/exec/netns/default'),
      agentEnv: { ECS_RUNTIME: 'docker', DOCKER_HOST: `unix://${dockerd.socketPath}` },
    });
    const seconds = Math.round((performance.now() - begun) / 1000);
    console.info(
      `seed ${seed}: ${met.length} of ${all.length} points tried on dockerd: ${deaths} kills, ${tasks} tasks, ${seconds} s`,
    );
    expect(missed).toEqual([]);
    expect(met).toHaveLength(points.length);
    expect(await dockerd.docker('ps', '-aq')).toBe('');
  }, 1_200_000);
});
