import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';

describe('what cannot run is refused with a reason', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('names image, registry status and what to do for an unknown image (ECS-49)', async () => {
    const image = `${world.registry.host}/no-such-image:9`;
    await world.register('unknown-image', 'true', { image });
    const begun = Date.now();
    const [task] = await world.reach('STOPPED', await world.run('unknown-image'));
    const reason = task?.containers[0]?.reason ?? '';
    expect(reason).toMatch(/^CannotPullImageManifestError: /);
    expect(reason).toContain('CannotPullContainerError: ');
    expect(reason).toContain(image);
    expect(reason).toContain('404');
    expect(reason).toMatch(/check/);
    expect(task).toMatchObject({ stopCode: 'TaskFailedToStart' });
    // The Amazon ECS agent takes 28 s for this (OBS-100).
    expect(Date.now() - begun).toBeLessThan(10_000);
    await world.expectClean();
  }, 60_000);

  it('names a program that is not in the image (CTD-20)', async () => {
    await world.register('no-program', '', { command: ['/no/such/program'] });
    const [task] = await world.reach('STOPPED', await world.run('no-program'));
    expect(task?.containers[0]?.reason).toMatch(/^CannotStartContainerError: .*no\/such\/program/s);
    await world.expectClean();
  }, 60_000);

  it.each([
    [
      'EFS',
      { mountPoints: [{ sourceVolume: 'v', containerPath: '/v' }] },
      { volumes: [{ name: 'v', efsVolumeConfiguration: { fileSystemId: 'fs-1' } }] },
      /volumes.*efs/,
    ],
    ['FireLens', { firelensConfiguration: { type: 'fluentbit' } }, {}, /firelensConfiguration/],
    [
      'App Mesh',
      {},
      { proxyConfiguration: { type: 'APPMESH', containerName: 'app', properties: [] } },
      /proxyConfiguration/,
    ],
    ['credentials of a domain', { dockerSecurityOptions: ['credentialspec:file://x'] }, {}, /credentialspec/],
  ])(
    'stops a task that needs %s with the name of the field (ENG-35, OBS-16)',
    async (_, container, task, reason) => {
      await world.register('unsupported', 'true', container, task);
      const placed = await world.tryAws('run-task', '--task-definition', 'unsupported');
      const answer = JSON.parse(placed.stdout);
      if (answer.failures.length > 0) {
        // The control plane, like ECS, does not place what the agent does not announce.
        expect(answer.failures[0].reason).toMatch(/ATTRIBUTE/);
        return;
      }
      const [stopped] = await world.reach('STOPPED', [answer.tasks[0].taskArn]);
      expect(stopped?.stoppedReason).toMatch(reason);
      await world.expectClean();
    },
    60_000,
  );

  it.each<readonly [what: string, container: Readonly<Record<string, unknown>>, reason: string]>([
    [
      'a capability that does not exist',
      { linuxParameters: { capabilities: { add: ['NONSENSE'] } } },
      'linuxParameters.capabilities: "NONSENSE" is no capability',
    ],
    [
      'a device that is not there',
      { linuxParameters: { devices: [{ hostPath: '/dev/nonsense' }] } },
      'linuxParameters.devices: /dev/nonsense is not on this host',
    ],
    ['too little memory', { memory: 4 }, 'memory=4 MiB is below the least, 6 MiB'],
    [
      'a setting of the host',
      { systemControls: [{ namespace: 'vm.swappiness', value: '1' }] },
      'systemControls: vm.swappiness=1 would change the host',
    ],
    [
      'an unknown security option',
      { dockerSecurityOptions: ['nonsense'] },
      'dockerSecurityOptions: "nonsense" means nothing here',
    ],
    [
      'an unknown log option',
      { logConfiguration: { logDriver: 'json-file', options: { nonsense: '1' } } },
      "unknown log opt 'nonsense' for json-file log driver",
    ],
    ['an unknown user', { user: 'nobody-here' }, 'unable to find user nobody-here'],
    [
      'a soft limit above the hard one',
      { ulimits: [{ name: 'nofile', softLimit: 9, hardLimit: 8 }] },
      'ulimits: nofile=9:8',
    ],
  ])(
    'stops a task with %s, names the field and the value, and leaves nothing',
    async (_, container, reason) => {
      await world.register('impossible', 'true', container);
      const [stopped] = await world.reach('STOPPED', await world.run('impossible'));
      expect(stopped?.containers[0]?.reason).toContain(`CannotCreateContainerError: ${reason}`);
      await world.expectClean();
    },
    60_000,
  );
});
