import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { taskArn, taskIdOf } from '../../src/task/ids.ts';
import { bulkLayer } from '../support/base-layer.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { getIntrospection } from '../support/introspection.ts';
import { pushTestImage } from '../support/push-image.ts';
import { pushSociIndex } from '../support/soci.ts';
import { until } from '../support/until.ts';

const LARGE = [bulkLayer(12_000_000, 1)];
const INDEXED_BYTES = 4_000_000;
const timelineSchema = z.object({
  transitions: z.array(z.looseObject({ to: z.string(), reason: z.string().optional() })),
});

describe('an agent on the SOCI snapshotter', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start({
      soci: true,
      // The image goes with its task.
      agentEnv: { ECS_IMAGE_DISK_HIGH_WATERMARK: '1', ECS_IMAGE_DISK_LOW_WATERMARK: '1' },
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const introspect = async (path: string) => (await getIntrospection(world.agent.options.runDir, path)).body;

  /** What the timeline of an ended task says of its pull. */
  const pullReason = async (arn: string): Promise<string | undefined> => {
    const body = JSON.parse(await introspect(`/v1/tasks/${taskIdOf(taskArn(arn))}/timeline`));
    return timelineSchema.parse(body).transitions.find(({ to }) => to === 'PULLED')?.reason;
  };

  it('runs a task whose large layer stays at the registry, and tells that (CTD-88, CTD-93)', async () => {
    const { reference } = await pushTestImage(world.registry, 'lazy:1', { layers: LARGE });
    await pushSociIndex(world.containerd, world.registry, reference, INDEXED_BYTES);
    await world.register('lazy', 'wc -c </bulk-1; sleep 1000', { image: reference, stopTimeout: 2 });
    const arns = await world.run('lazy');
    await world.reach('RUNNING', arns);
    expect(await pullReason(arns[0] ?? '')).toBe('lazily, 1 of 2 layers');
    expect(await introspect('/metrics')).toMatch(/^ecs_agent_lazy_pulls_total\{outcome="lazy"\} 1$/m);
    await world.stop(...arns);
    const [task] = await world.reach('STOPPED', arns);
    expect(await world.logLines(task?.containers[0]?.runtimeId ?? '')).toEqual(['12000000']);
  });

  it('runs a task whose image has no index, tells why it was pulled in full, and leaves no mount (CTD-89, CTD-90, CTD-93)', async () => {
    const { reference } = await pushTestImage(world.registry, 'full:1', {
      layers: [bulkLayer(6_000_000, 2)],
    });
    // The next pull gives up the image that nobody uses any more, and with it what is mounted of it.
    await until(async () => (await world.agent.ask())?.tasks.length === 0, {
      what: 'the agent has forgotten the first task',
      timeoutMs: 30_000,
    });
    await world.register('full', 'wc -c </bulk-2', { image: reference });
    const arns = await world.run('full');
    const [task] = await world.reach('STOPPED', arns);
    expect(task?.containers[0]).toMatchObject({ exitCode: 0 });
    expect(await pullReason(arns[0] ?? '')).toBe('in full because the image has no SOCI index');
    await world.expectClean();
  });
});
