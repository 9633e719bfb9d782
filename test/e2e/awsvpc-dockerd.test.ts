import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DescribedTask } from '../support/aws-ecs.ts';
import { startDockerdIn, type TestDockerd } from '../support/dockerd.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { type PlayedEni, PlayedInstance } from '../support/instance.ts';
import { fetchFrom } from '../support/network-host.ts';
import { until } from '../support/until.ts';

const ENI: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const NETWORK = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
const OBEDIENT = 'trap "exit 0" TERM; while :; do sleep 0.05; done';
const WEB = `mkdir -p /www && echo here >/www/index.html && httpd -p 80 -h /www; ${OBEDIENT}`;

const MAIN = { name: 'main', command: ['sh', '-c', WEB] };
const SIDE = { name: 'side', command: ['sh', '-c', OBEDIENT] };

/** What may happen to the container that holds the namespace, and to dockerd, while a task runs on its ENI. */
describe('an awsvpc task on dockerd', () => {
  let instance: PlayedInstance;
  let visit: Disposable;
  let dockerd: TestDockerd;
  let world: EcsWorld;
  let instances = 0;

  /** A world with a dockerd that is started with these options. */
  async function open(...config: readonly string[]): Promise<void> {
    dockerd = await startDockerdIn(instance.host, config);
    world = await EcsWorld.start({
      notOurs: (finding) => finding.includes('/exec/netns/default'),
      agentEnv: {
        AWS_EC2_METADATA_DISABLED: 'false',
        ECS_ENABLE_TASK_ENI: 'true',
        ECS_RUNTIME: 'docker',
        DOCKER_HOST: `unix://${dockerd.socketPath}`,
      },
      controlPlaneArgs: ['--network-interfaces', instance.interfacesFile([ENI])],
    });
    await instance.plug(ENI);
  }

  /** Runs a task of these containers, the first of which answers on port 80. */
  async function runTask(...containers: readonly object[]): Promise<string> {
    const containerDefinitions = containers.map((one) => ({
      ...{ memory: 32, essential: true, image: world.image },
      ...one,
    }));
    await world.register('web', '', {}, { networkMode: 'awsvpc', containerDefinitions });
    const [arn = ''] = await world.run('web', 1, NETWORK);
    await world.reach('RUNNING', [arn], 60_000);
    const answer = await until(page, { what: 'the task answers on its ENI', timeoutMs: 20_000 });
    expect(answer).toBe('here\n');
    return arn;
  }

  beforeEach(async () => {
    instances += 1;
    instance = await PlayedInstance.create(`ad${instances}`, { ipv6: true });
    visit = instance.host.enter();
  });
  afterEach(async () => {
    await world?.[Symbol.asyncDispose]();
    await dockerd?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  const page = () => fetchFrom(instance.host.outside, ENI.ipv4, 80);
  const expectEniBack = () =>
    until(
      async () =>
        (await instance.links())
          .split('\n')
          .some(
            (line) => line.includes(` ${ENI.name}@`) && line.includes(ENI.mac) && /state DOWN/.test(line),
          ),
      { what: 'the ENI is on the host' },
    );
  const expectClean = async () => {
    await world.expectClean();
    expect(await dockerd.docker('ps', '-aq')).toBe('');
  };
  const codesOf = (task: DescribedTask | undefined) =>
    Object.fromEntries((task?.containers ?? []).map(({ name, exitCode }) => [name, exitCode]));

  it('is stopped as it asks when that container dies, its network there to the last, and says so (ENG-61)', async () => {
    await open();
    const arn = await runTask(MAIN, SIDE);
    const pause = (
      await dockerd.docker('ps', '-qf', 'label=com.amazonaws.ecs.container-name=~internal~ecs~pause')
    ).trim();
    await dockerd.docker('kill', pause);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(stopped?.stoppedReason).toMatch(
      /^TaskStateError: the network namespace that the containers of the task share is held no longer: ~internal~ecs~pause has ended \(exit code 137\)/,
    );
    expect(codesOf(stopped)).toEqual({ main: 0, side: 0 });
    await expectEniBack();
    await expectClean();
  }, 120_000);

  it('ends with a dockerd that ends its containers, and gives its ENI back', async () => {
    await open();
    const arn = await runTask(MAIN, SIDE);
    await dockerd.restart();
    const [stopped] = await world.reach('STOPPED', [arn], 60_000);
    expect(Object.keys(codesOf(stopped)).sort()).toEqual(['main', 'side']);
    await expectEniBack();
    await expectClean();
  }, 120_000);

  it('runs on while a dockerd that keeps its containers is started anew, with the agent or without it', async () => {
    await open('--live-restore');
    const arn = await runTask(MAIN, SIDE);
    await dockerd.kill('SIGTERM');
    expect(await page()).toBe('here\n');
    await dockerd.restart();
    expect(await page()).toBe('here\n');
    await world.agent.kill('SIGKILL');
    await dockerd.restart();
    await world.agent.start();
    expect(await page()).toBe('here\n');
    expect((await world.describe(arn))[0]?.lastStatus).toBe('RUNNING');
    await world.stop(arn);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(codesOf(stopped)).toEqual({ main: 0, side: 0 });
    await expectEniBack();
    await expectClean();
  }, 180_000);

  it('starts a container again on the same ENI, by its restart policy', async () => {
    await open();
    const inSecondRun = `test -e /been || { touch /been; exit 1; }; ${WEB}`;
    const arn = await runTask({
      name: 'main',
      command: ['sh', '-c', inSecondRun],
      restartPolicy: { enabled: true, restartAttemptPeriod: 0 },
    });
    await world.stop(arn);
    await world.reach('STOPPED', [arn]);
    await expectEniBack();
    await expectClean();
  }, 120_000);
});
