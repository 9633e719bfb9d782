import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { pushTestImage } from '../support/push-image.ts';
import { makeSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

const MIB = 1 << 20;
const OBEDIENT = 'trap "exit 0" TERM; while :; do sleep 0.1; done';

// The AWS CLI takes seconds a call on a busy machine.
describe('an agent whose images lie on a disk of 300 MB', { timeout: 120_000 }, () => {
  let disk: SmallDisk;
  let world: EcsWorld;
  beforeAll(async () => {
    disk = await makeSmallDisk(300);
    world = await EcsWorld.start({
      containerdRootDir: disk.directory,
      agentEnv: { ECS_IMAGE_DISK_HIGH_WATERMARK: '70', ECS_IMAGE_DISK_LOW_WATERMARK: '40' },
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await disk?.stop();
  });

  /** An image that takes twice as many bytes: fetched and unpacked. */
  const pushBulk = async (name: string, mebibytes: number): Promise<string> => {
    const layers = [[{ path: name, type: 'file', content: Buffer.alloc(mebibytes * MIB) } as const]];
    return (await pushTestImage(world.registry, `${name}:1`, { compress: 'none', layers })).reference;
  };
  const images = async () => (await world.containerd.ctr(world.namespace, 'images', 'ls', '-q')).split('\n');
  const start = async (family: string, image: string, command: string): Promise<string> => {
    await world.register(family, command, { memory: 16, image });
    return (await world.run(family))[0] ?? '';
  };

  it('goes on starting tasks, as images that nobody uses go and those in use stay', async () => {
    const kept = await pushBulk('kept', 20);
    const keeper = await start('kept', kept, OBEDIENT);
    await world.reach('RUNNING', [keeper]);
    const references: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      const reference = await pushBulk(`app-${n}`, 60);
      references.push(reference);
      const task = await start(`app-${n}`, reference, 'true');
      const [ended] = await world.reach('STOPPED', [task]);
      expect(ended?.containers[0]).toMatchObject({ exitCode: 0 });
      // Until then its image is in use.
      await until(async () => (await world.agent.ask())?.tasks.length === 1, { what: 'it is cleaned up' });
    }
    // Three images of 120 MiB, and one of 40, have passed over a disk of 300 MB.
    const here = await images();
    expect(here).toContain(kept);
    expect(here).toContain(references.at(-1));
    expect(here).not.toContain(references[0]);
    await world.aws('stop-task', '--task', keeper);
    await world.reach('STOPPED', [keeper]);
  });

  it('refuses a pull that cannot fit early, with the sizes, and runs the next task', async () => {
    const large = await pushBulk('large', 160);
    const before = disk.free();
    const task = await start('large', large, 'true');
    const [refused] = await world.reach('STOPPED', [task]);
    expect(refused?.containers[0]?.reason).toMatch(
      /^CannotPullContainerError: .*no space left on device: the image needs 16\d\.\d MB of layers to fetch/,
    );
    // What nobody used was given up for it; nothing of the image has come.
    expect(disk.free()).toBeGreaterThan(before - MIB);
    const next = await start('next', world.image, 'true');
    const [ended] = await world.reach('STOPPED', [next]);
    expect(ended?.containers[0]).toMatchObject({ exitCode: 0 });
  });

  it('remembers over a restart what it may remove', async () => {
    await world.agent.kill('SIGKILL');
    await world.agent.start({ ECS_IMAGE_DISK_HIGH_WATERMARK: '1', ECS_IMAGE_DISK_LOW_WATERMARK: '1' });
    const next = await start('after', world.image, 'true');
    await world.reach('STOPPED', [next]);
    // The agent looks at the disk when a task has its image; that one is in use until the task is cleaned up.
    await until(async () => (await images()).join('\n').trim() === world.image, {
      what: 'only the image in use is left',
      timeoutMs: 30_000,
    });
  });

  it('leaves nothing else behind', () => world.expectClean());
});
