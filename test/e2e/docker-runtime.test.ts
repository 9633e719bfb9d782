import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printLogs } from '../../src/ecs-local/commands.ts';
import type { StackRecord } from '../../src/ecs-local/stack-files.ts';
import { startDockerd, type TestDockerd } from '../support/dockerd.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { fetchFrom, HOST } from '../support/network-host.ts';
import { until } from '../support/until.ts';
import { linkedTask } from './linked-task.ts';
import { NAMESPACE_TASK_CODES, namespaceTask } from './namespace-task.ts';

/** A web server of one page that ends with 3 when it is told to. */
const WEB = [
  'mkdir -p /www && echo here >/www/index.html && httpd -p 80 -h /www',
  'trap "exit 3" TERM',
  'while :; do sleep 0.05; done',
].join('\n');

/** The same agent with ECS_RUNTIME=docker, in the network of its dockerd. */
describe('tasks on dockerd', () => {
  let dockerd: TestDockerd;
  let visit: Disposable;
  let world: EcsWorld;

  beforeAll(async () => {
    dockerd = await startDockerd();
    visit = dockerd.host.enter();
    world = await EcsWorld.start({
      // dockerd keeps the network of its host at hand once a container has used it.
      notOurs: (finding) => finding.includes('/exec/netns/default'),
      agentEnv: { ECS_RUNTIME: 'docker', DOCKER_HOST: `unix://${dockerd.socketPath}` },
    });
  }, 90_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await dockerd?.[Symbol.asyncDispose]();
  });

  /** What ecs-local would know of this stack. */
  const record = (): StackRecord => ({
    version: 1,
    region: 'us-west-2',
    cluster: 'default',
    controlPlaneUrl: world.url,
    accessKeyId: 'test',
    secretAccessKey: 'test',
    containerdAddress: world.containerd.address,
    containerdNamespace: world.namespace,
    dataDir: world.scratch.path('data'),
    runDir: world.scratch.path('run'),
    processes: [],
  });
  const page = () => fetchFrom(dockerd.host.outside, HOST.inside4, 8080);
  const expectClean = async () => {
    await world.expectClean();
    expect(await dockerd.docker('ps', '-aq')).toBe('');
  };

  it('run with the ports that Docker chose, over a crash of the agent, to their exit code', async () => {
    const ports = [
      { containerPort: 80, hostPort: 8080 },
      { containerPort: 81, protocol: 'udp' },
    ];
    await world.register('web', WEB, { portMappings: ports }, { networkMode: 'bridge' });
    const [arn = ''] = await world.run('web');
    const [running] = await world.reach('RUNNING', [arn]);
    expect(running?.containers[0]?.networkBindings).toEqual([
      { bindIP: '0.0.0.0', containerPort: 80, hostPort: 8080, protocol: 'tcp' },
      { bindIP: '0.0.0.0', containerPort: 81, hostPort: expect.any(Number), protocol: 'udp' },
    ]);
    expect(await until(page, { what: 'the port answers' })).toBe('here\n');
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    expect(await page()).toBe('here\n');
    await world.stop(arn);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(stopped?.containers[0]?.exitCode).toBe(3);
    await expectClean();
  }, 120_000);

  it('on the bridge ask 169.254.170.2 (NET-22)', async () => {
    const asks = `wget -q -O - $ECS_CONTAINER_METADATA_URI_V4 | grep -q '"DockerId"'`;
    await world.register('asks', asks, {}, { networkMode: 'bridge' });
    const [stopped] = await world.reach('STOPPED', await world.run('asks'));
    expect(stopped?.containers[0]).toMatchObject({ exitCode: 0 });
    await expectClean();
  }, 60_000);

  it('with a range of ports are refused with what to do instead', async () => {
    await world.register(
      'range',
      'true',
      { portMappings: [{ containerPortRange: '7000-7002' }] },
      { networkMode: 'bridge' },
    );
    const [stopped] = await world.reach('STOPPED', await world.run('range'));
    expect(stopped?.stoppedReason).toContain('map the ports one by one');
    await expectClean();
  }, 60_000);

  it('share namespaces over a crash of the agent, and leave nothing', async () => {
    await world.define(namespaceTask(world.image));
    const [arn = ''] = await world.run('namespaces');
    const [running] = await world.reach('RUNNING', [arn]);
    expect(running?.containers.map(({ name }) => name).sort()).toEqual(['app', 'side']);
    const side = (await dockerd.docker('ps', '-qf', 'label=com.amazonaws.ecs.container-name=side')).trim();
    const isSeen = () =>
      dockerd.docker('exec', side, 'test', '-e', '/dev/shm/looked').then(
        () => true,
        () => false,
      );
    await until(isSeen, { what: 'the side container has looked' });
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    await world.stop(arn);
    const [stopped] = await world.reach('STOPPED', [arn]);
    const codes = (stopped?.containers ?? []).map(({ name, exitCode }) => [name, exitCode]);
    expect(Object.fromEntries(codes)).toEqual(NAMESPACE_TASK_CODES);
    await expectClean();
  }, 120_000);

  it('are linked by Docker itself', async () => {
    await world.define(linkedTask(world.image));
    const [stopped] = await world.reach('STOPPED', await world.run('linked'));
    expect(stopped?.containers.find(({ name }) => name === 'app')).toMatchObject({ exitCode: 0 });
    await expectClean();
  }, 120_000);

  it('run many at once on the network of the host', async () => {
    await world.register('many', 'trap "exit 0" TERM; while :; do sleep 0.05; done', { memory: 16 });
    const arns = await world.run('many', 5);
    await world.reach('RUNNING', arns, 60_000);
    await world.stop(...arns);
    const stopped = await world.reach('STOPPED', arns, 60_000);
    expect(stopped.map(({ containers }) => containers[0]?.exitCode)).toEqual([0, 0, 0, 0, 0]);
    await expectClean();
  }, 120_000);

  it('that ended while the agent was dead are told with their exit code', async () => {
    await world.register('brief', 'sleep 2; exit 9', { memory: 16 });
    const [arn = ''] = await world.run('brief');
    await world.reach('RUNNING', [arn]);
    await world.agent.kill('SIGKILL');
    await until(async () => (await dockerd.docker('ps', '-q')) === '', { what: 'it has ended' });
    await world.agent.start();
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(stopped?.containers[0]?.exitCode).toBe(9);
    await expectClean();
  }, 120_000);

  it('have their logs in dockerd, which ecs-local says', async () => {
    await world.register('logged', 'echo here; trap "exit 0" TERM; while :; do sleep 0.05; done', {
      memory: 16,
      logConfiguration: { logDriver: 'json-file', options: { 'max-size': '1m', 'max-file': '2' } },
    });
    const [arn = ''] = await world.run('logged');
    const [running] = await world.reach('RUNNING', [arn]);
    const label = `label=ecs-containerd-agent.id=${running?.containers[0]?.runtimeId}`;
    const id = (await dockerd.docker('ps', '-aqf', label)).trim();
    expect(JSON.parse(await dockerd.docker('inspect', '-f', '{{json .HostConfig.LogConfig}}', id))).toEqual({
      Type: 'json-file',
      Config: { 'max-size': '1m', 'max-file': '2' },
    });
    await until(async () => (await dockerd.docker('logs', id)) === 'here\n', {
      what: 'dockerd has the line',
    });
    const told: string[] = [];
    const options = { follow: false, timestamps: false };
    await printLogs(record(), arn, options, (line) => told.push(line), AbortSignal.timeout(20_000));
    expect(told).toEqual([
      expect.stringContaining(`dockerd keeps it (docker logs $(docker ps -aqf ${label}))`),
    ]);
    await world.stop(arn);
    await world.reach('STOPPED', [arn]);
    await expectClean();
  }, 120_000);

  it('of an image that is nowhere stop with what the registry says', async () => {
    await world.register('nowhere', 'true', { image: `${world.registry.host}/none:1`, memory: 16 });
    const [arn = ''] = await world.run('nowhere');
    const [stopped] = await world.reach('STOPPED', [arn], 60_000);
    expect(stopped?.containers[0]?.reason).toMatch(/^CannotPull(ImageManifest|Container)Error: /);
    await expectClean();
  }, 120_000);
});
