import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { fetchFrom, HOST, NetworkHost } from '../support/network-host.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { linkedTask } from './linked-task.ts';

/** A web server of one page that ends when it is told to. */
const WEB = [
  'mkdir -p /www && hostname >/www/index.html && httpd -p 80 -h /www',
  'trap "exit 0" TERM',
  'while :; do sleep 0.05; done',
].join('\n');
const PORTS = [
  { containerPort: 80, hostPort: 8080 },
  { containerPort: 81, protocol: 'udp' },
  { containerPort: 82 },
  { containerPortRange: '7000-7002' },
];

/** Everything, the AWS CLI too, runs in a network namespace that plays the host. */
describe('bridge mode', () => {
  let host: NetworkHost;
  let visit: Disposable;
  let world: EcsWorld;

  beforeAll(async () => {
    host = await NetworkHost.create('bridge');
    visit = host.enter();
    world = await EcsWorld.start({
      agentEnv: { ECS_DYNAMIC_HOST_PORT_RANGE: '40000-40999' },
      // It would keep a second task of the same port from the agent, which has to know by itself.
      controlPlaneArgs: ['--no-resource-check'],
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await host?.[Symbol.asyncDispose]();
  });

  const fetch = (port: number) => fetchFrom(host.outside, HOST.inside4, port);
  const answers = async (port: number) =>
    await until(() => fetch(port), { what: `port ${port} answers`, timeoutMs: 20_000 });

  it('runs a task whose ports answer and are told to ECS, also over a crash, until it stops (OBS-92, ECS-47, ENG-152)', async () => {
    await world.register('web', WEB, { portMappings: PORTS }, { networkMode: 'bridge' });
    const [arn = ''] = await world.run('web');
    const [running] = await world.reach('RUNNING', [arn]);
    const bindings = [
      { bindIP: '0.0.0.0', containerPort: 80, hostPort: 8080, protocol: 'tcp' },
      { bindIP: '0.0.0.0', containerPort: 81, hostPort: 40_000, protocol: 'udp' },
      { bindIP: '0.0.0.0', containerPort: 82, hostPort: 40_001, protocol: 'tcp' },
      {
        bindIP: '0.0.0.0',
        containerPortRange: '7000-7002',
        hostPortRange: '40002-40004',
        protocol: 'tcp',
      },
    ];
    expect(running?.containers[0]?.networkBindings).toEqual(bindings);
    const runtimeId = running?.containers[0]?.runtimeId ?? '';
    expect(await answers(8080)).toBe(`${runtimeId.slice(0, 12)}\n`);
    await world.agent.kill('SIGKILL');
    expect(await answers(8080)).toBe(`${runtimeId.slice(0, 12)}\n`);
    await world.agent.start();
    expect(await answers(8080)).toBe(`${runtimeId.slice(0, 12)}\n`);
    await world.stop(arn);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(stopped?.containers[0]?.networkBindings).toEqual(bindings);
    await until(async () => (await fetch(8080)) === undefined, { what: 'nobody answers' });
    await world.expectClean();
  }, 120_000);

  it('gives a given port to the task that waits for it as soon as its last one has stopped (NET-67)', async () => {
    await world.register(
      'again',
      WEB,
      { portMappings: [{ containerPort: 80, hostPort: 8081 }] },
      { networkMode: 'bridge' },
    );
    const [first = ''] = await world.run('again');
    await world.reach('RUNNING', [first]);
    const [second = ''] = await world.run('again');
    const waits = async () => {
      const task = (await world.agent.ask())?.tasks.find(({ arn }) => arn === second);
      return task?.why.some(({ what }) => what.includes('8081'));
    };
    await until(waits, { what: 'the second task waits for the port' });
    await world.stop(first);
    await world.reach('STOPPED', [first]);
    await world.reach('RUNNING', [second]);
    await answers(8081);
    await world.stop(second);
    await world.reach('STOPPED', [second]);
    await world.expectClean();
  }, 120_000);

  it('stops a task whose port belongs to another program, and names that', async () => {
    const { createServer } = await import('node:net');
    const server = createServer().listen(8082, '0.0.0.0');
    try {
      await world.register(
        'taken',
        WEB,
        { portMappings: [{ containerPort: 80, hostPort: 8082 }] },
        { networkMode: 'bridge' },
      );
      const [arn = ''] = await world.run('taken');
      const [stopped] = await world.reach('STOPPED', [arn]);
      expect(stopped?.containers[0]?.reason).toMatch(
        new RegExp(
          `^CannotStartContainerError: Bind for 0.0.0.0:8082 failed: port is already allocated; .*pid ${process.pid}\\)`,
        ),
      );
    } finally {
      server.close();
    }
    await world.expectClean();
  }, 120_000);

  it('links containers: hosts line, variables and the start of the target first (NET-17, ENG-142, RES-100)', async () => {
    await world.define(linkedTask(world.image));
    const [stopped] = await world.reach('STOPPED', await world.run('linked'));
    expect(stopped?.containers.find(({ name }) => name === 'app')).toMatchObject({ exitCode: 0 });
    await world.expectClean();
  }, 120_000);

  it('lets containers and the host ask for introspection, over a restart too, and no other host (NET-80)', async () => {
    await world.register('plain', WEB, {}, { networkMode: 'bridge' });
    const [arn = ''] = await world.run('plain');
    const [running] = await world.reach('RUNNING', [arn]);
    const netns = `${world.namespace}-${running?.containers[0]?.runtimeId}`;
    const [, gateway = ''] =
      /via (\S+)/.exec(await run('ip', ['-n', netns, 'route', 'show', 'default'])) ?? [];
    const ask = (from: string, address: string) => fetchFrom(from, address, 51_678);
    expect(await ask(netns, gateway)).toContain('/v1/metadata');
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    expect(await until(() => ask(netns, gateway), { what: 'it answers again' })).toContain('/v1/metadata');
    expect(await ask(host.name, '127.0.0.1')).toContain('/v1/metadata');
    await run('ip', ['-n', host.outside, 'route', 'add', `${gateway}/32`, 'via', HOST.inside4]);
    expect(await ask(host.outside, gateway)).toBeUndefined();
    expect(await ask(host.outside, HOST.inside4)).toBeUndefined();
    await world.stop(arn);
    await world.reach('STOPPED', [arn]);
    await world.expectClean();
  }, 120_000);

  it('leaves neither bridge nor rules nor spare networks when the agent ends without tasks', async () => {
    const namespaces = () =>
      readdirSync('/run/netns').filter((name) => name.startsWith(`${world.namespace}-`));
    await until(() => namespaces().length === 4, { what: 'spare networks are there' });
    await world.agent.kill('SIGTERM');
    expect(namespaces()).toEqual([]);
    expect(await host.run('ip', '-o', 'link', 'show', 'type', 'bridge')).toBe('');
    expect(await host.run('nft', 'list', 'ruleset')).not.toContain('ecs');
    await world.agent.start();
  }, 60_000);
});
