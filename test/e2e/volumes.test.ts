import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { pushTestImage } from '../support/push-image.ts';

describe('volumes of tasks', () => {
  let world: EcsWorld;
  /** Has a VOLUME /data with a file in it that user 1234 owns. */
  let image: string;
  beforeAll(async () => {
    world = await EcsWorld.start();
    const layer = [
      { path: 'data', type: 'directory', uid: 1234, mode: 0o750 },
      { path: 'data/from-image', type: 'file', content: 'image', uid: 1234 },
    ] as const;
    const pushed = await pushTestImage(world.registry, 'volume:1', { layers: [layer], volumes: ['/data'] });
    image = pushed.reference;
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const volumeNames = () => {
    const directory = world.scratch.path('data/volumes');
    return existsSync(directory) ? readdirSync(directory).filter((name) => name !== '.containers') : [];
  };

  async function exitsWell(family: string): Promise<void> {
    const [task] = await world.reach('STOPPED', await world.run(family));
    const bad = task?.containers.filter(({ exitCode }) => exitCode !== 0);
    expect(bad, JSON.stringify(task)).toEqual([]);
  }

  it('are directories of the host, read-only if wanted, made when they are not there', async () => {
    mkdirSync(world.scratch.path('in'));
    writeFileSync(world.scratch.path('in/file'), 'hello');
    await world.register(
      'bind',
      '[ "$(cat /in/file)" = hello ] && ! echo x >/in/new && cat /in/file >/out/copy && ' +
        'grep -q " /in ro,.* - " /proc/self/mountinfo && ! grep " /out " /proc/self/mountinfo | grep -q shared',
      {
        mountPoints: [
          { sourceVolume: 'in', containerPath: '/in', readOnly: true },
          { sourceVolume: 'out', containerPath: '/out' },
        ],
      },
      {
        volumes: [
          { name: 'in', host: { sourcePath: world.scratch.path('in') } },
          { name: 'out', host: { sourcePath: world.scratch.path('new/out') } },
        ],
      },
    );
    await exitsWell('bind');
    expect(readFileSync(world.scratch.path('new/out/copy'), 'utf8')).toBe('hello');
    expect(statSync(world.scratch.path('new')).mode & 0o7777).toBe(0o755);
    await world.expectClean();
  }, 60_000);

  it('are shared by the containers of a task, filled from the image, and go with the task (RES-40, RES-36, ENG-119)', async () => {
    const container = (name: string, command: string, more: object) => ({
      name,
      image,
      memory: 32,
      command: ['sh', '-c', command],
      ...more,
    });
    await world.define({
      family: 'scratch',
      networkMode: 'none',
      volumes: [
        { name: 'private', host: {} },
        { name: 'own', dockerVolumeConfiguration: { scope: 'task' } },
      ],
      containerDefinitions: [
        container(
          'writer',
          '[ "$(cat /data/from-image)" = image ] && echo 1 >/own/file && echo 2 >/data/file',
          {
            essential: false,
            mountPoints: [
              { sourceVolume: 'private', containerPath: '/data' },
              { sourceVolume: 'own', containerPath: '/own' },
            ],
          },
        ),
        container(
          'reader',
          '[ "$(cat /own/file /seen/file /data/file)" = "1\n2\n2" ] && ! echo x >/own/new && ' +
            '[ "$(stat -c %u:%a /data)" = 1234:750 ]',
          {
            essential: true,
            mountPoints: [{ sourceVolume: 'private', containerPath: '/seen' }],
            volumesFrom: [{ sourceContainer: 'writer', readOnly: true }],
            dependsOn: [{ containerName: 'writer', condition: 'SUCCESS' }],
          },
        ),
      ],
    });
    const arns = await world.run('scratch');
    await world.reach('STOPPED', arns);
    const [task] = await world.describe(...arns);
    expect(task?.containers.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    await world.expectClean();
    expect(volumeNames()).toEqual([]);
  }, 60_000);

  it('that are shared outlive their tasks under their own name (RES-104, OBS-87)', async () => {
    const volumes = (autoprovision: boolean) => ({
      volumes: [
        { name: 'kept', dockerVolumeConfiguration: { scope: 'shared', autoprovision, driver: 'local' } },
      ],
    });
    const mountPoints = [{ sourceVolume: 'kept', containerPath: '/kept' }];
    await world.register('wants', 'true', { mountPoints }, volumes(false));
    const [refused] = await world.reach('STOPPED', await world.run('wants'));
    expect(refused?.stoppedReason).toContain("volume 'kept' does not exist");
    await world.register('makes', 'echo here >/kept/file', { mountPoints }, volumes(true));
    await exitsWell('makes');
    await world.register('finds', '[ "$(cat /kept/file)" = here ]', { mountPoints }, volumes(false));
    await exitsWell('finds');
    await world.expectClean();
    expect(volumeNames()).toEqual(['kept']);
  }, 60_000);

  it('without a name hold what an image declares and go with the container', async () => {
    await world.register(
      'declared',
      '[ "$(cat /data/from-image)" = image ] && echo x >/data/new && sleep 1000',
      {
        image,
        readonlyRootFilesystem: true,
        stopTimeout: 2,
      },
    );
    const arns = await world.run('declared');
    await world.reach('RUNNING', arns);
    expect(volumeNames()).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), 'kept']);
    await world.stop(arns[0] ?? '');
    await world.reach('STOPPED', arns, 60_000);
    await world.expectClean();
    expect(volumeNames()).toEqual(['kept']);
  }, 90_000);

  it('with driver options are file systems that are mounted while a container runs', async () => {
    const driverOpts = { type: 'tmpfs', device: 'tmpfs', o: 'size=1m,uid=1234' };
    await world.register(
      'fast',
      'df -k /fast | grep -q " 1024 " && [ "$(stat -c %u /fast)" = 1234 ] && echo x >/fast/file',
      { mountPoints: [{ sourceVolume: 'fast', containerPath: '/fast' }] },
      {
        volumes: [
          { name: 'fast', dockerVolumeConfiguration: { scope: 'task', driver: 'local', driverOpts } },
        ],
      },
    );
    await exitsWell('fast');
    await world.expectClean();
  }, 60_000);

  it('go with their task after the agent lost its data about it (RES-36)', async () => {
    await world.register(
      'lost',
      'trap "exit 0" TERM; sleep 1000 & wait',
      { mountPoints: [{ sourceVolume: 'private', containerPath: '/v' }] },
      { volumes: [{ name: 'private', host: {} }] },
    );
    const arns = await world.run('lost');
    await world.reach('RUNNING', arns);
    expect(volumeNames()).toContainEqual(expect.stringMatching(/^ecs-lost-1-private-[0-9a-f]{20}$/));
    await world.agent.kill('SIGKILL');
    for (const name of readdirSync(world.scratch.path('data')))
      if (name.startsWith('agent.db')) writeFileSync(world.scratch.path('data', name), '');
    await world.agent.start();
    await world.stop(...arns);
    await world.reach('STOPPED', arns);
    await world.expectClean();
    expect(volumeNames()).toEqual(['kept']);
  }, 90_000);
});
