import { type ChildProcess, spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasVlans } from '../../src/host/links.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { INSTANCE_ID, type PlayedEni, PlayedInstance } from '../support/instance.ts';
import { fetchFrom, inNamespace } from '../support/network-host.ts';
import { run } from '../support/run.ts';
import { TASK_RUNTIMES, type TaskRuntime } from '../support/task-runtimes.ts';
import { until } from '../support/until.ts';

const ONE: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const TWO: PlayedEni = { name: 'ens7', mac: '0e:00:00:00:00:07', ipv4: '10.98.0.7', ipv6: 'fd98::7' };
const NETWORK = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
const OBEDIENT = 'trap "exit 0" TERM; while :; do sleep 0.05; done';
/** A web server of one page on every address that ends when it is told to. */
const WEB = ['mkdir -p /www && hostname >/www/index.html && httpd -p [::]:80 -h /www', OBEDIENT].join('\n');

/** Everything runs in a network namespace that plays an EC2 instance; its ENIs are veth ends. */
describe.each(TASK_RUNTIMES)('awsvpc mode on $name', ({ name, start }) => {
  let instance: PlayedInstance;
  let visit: Disposable;
  let runtime: TaskRuntime;
  let world: EcsWorld;

  beforeAll(async () => {
    instance = await PlayedInstance.create(`av${name}`, { ipv6: true });
    visit = instance.host.enter();
    runtime = await start(instance.host);
    world = await EcsWorld.start({
      notOurs: runtime.notOurs,
      agentEnv: {
        AWS_EC2_METADATA_DISABLED: 'false',
        ECS_ENABLE_TASK_ENI: 'true',
        ...runtime.agentEnv,
      },
      controlPlaneArgs: ['--network-interfaces', instance.interfacesFile([ONE, TWO])],
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await runtime?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  const netnsOf = (arn: string) => `${world.namespace}-${arn.split('/').at(-1)}`;
  const inTask = (arn: string, program: string, ...args: string[]) =>
    run(...inNamespace(netnsOf(arn), program, args));
  /** Links, addresses, routes and rules of a task. */
  const networkOf = async (arn: string) => [
    await inTask(arn, 'ip', '-br', 'link'),
    await inTask(arn, 'ip', '-br', 'addr'),
    await inTask(arn, 'ip', 'route'),
    await inTask(arn, 'nft', '-s', 'list', 'ruleset'),
  ];
  const onHost = async ({ name, mac }: PlayedEni) =>
    (await instance.links()).split('\n').find((line) => line.includes(` ${name}@`) && line.includes(mac));

  it('takes identity, VPC and subnet from the metadata service and claims task ENIs', async () => {
    const { containerInstanceArns: arns } = await world.aws<{ containerInstanceArns: string[] }>(
      'list-container-instances',
    );
    const { containerInstances } = await world.aws<{
      containerInstances: { ec2InstanceId: string; attributes: { name: string; value?: string }[] }[];
    }>('describe-container-instances', '--container-instances', ...arns);
    const [one] = containerInstances;
    expect(one?.ec2InstanceId).toBe(INSTANCE_ID);
    const attributes = new Map(one?.attributes.map(({ name, value }) => [name, value]));
    expect(attributes.get('ecs.vpc-id')).toBe('vpc-1');
    expect(attributes.get('ecs.subnet-id')).toBe('subnet-1');
    expect(attributes.get('ecs.availability-zone')).toBe('us-west-2b');
    expect([...attributes.keys()]).toEqual(
      expect.arrayContaining([
        'ecs.capability.task-eni',
        'ecs.capability.task-eni.ipv6',
        'ecs.capability.cni-plugin-version',
      ]),
    );
    expect(attributes.has('ecs.capability.task-eni-trunking')).toBe(hasVlans());
  });

  it('waits for the ENI, runs the task on it with all that belongs to it, and gives it back (NET-29, NET-50, NET-52)', async () => {
    const other = {
      name: 'side',
      image: world.image,
      memory: 64,
      command: ['sh', '-c', OBEDIENT],
      essential: true,
    };
    await world.register(
      'web',
      WEB,
      {},
      {
        networkMode: 'awsvpc',
        containerDefinitions: [
          {
            name: 'main',
            image: world.image,
            memory: 64,
            command: ['sh', '-c', WEB],
            portMappings: [{ containerPort: 80 }],
          },
          other,
        ],
      },
    );
    const [arn = ''] = await world.run('web', 1, NETWORK);
    expect((await world.describe(arn))[0]?.lastStatus).toBe('PROVISIONING');
    await instance.plug(ONE);
    const [running] = await world.reach('RUNNING', [arn]);
    expect(running?.containers.map(({ networkBindings }) => networkBindings)).toEqual([[], []]);
    const page = await until(() => fetchFrom(instance.host.outside, ONE.ipv4, 80), {
      what: 'the task answers on its ENI',
    });
    expect(page).toBe('ip-10-98-0-6.us-west-2.compute.internal\n');
    expect(await fetchFrom(instance.host.outside, ONE.ipv6, 80)).toBe(page);
    expect(await onHost(ONE)).toBeUndefined();

    const metadata = await fetchFrom(netnsOf(arn), '169.254.170.2', 80);
    expect(metadata).toBeDefined();
    await world.agent.kill('SIGKILL');
    expect(await fetchFrom(instance.host.outside, ONE.ipv4, 80)).toBe(page);
    const before = await networkOf(arn);
    await world.agent.start();
    expect(await networkOf(arn)).toEqual(before);
    expect(await fetchFrom(netnsOf(arn), '169.254.170.2', 80)).toBe(metadata);

    await world.aws('stop-task', '--task', arn);
    await world.reach('STOPPED', [arn]);
    const back = await until(() => onHost(ONE), { what: 'the ENI is on the host' });
    expect(back).toMatch(/state DOWN/);
    await runtime.expectClean(world);
  }, 120_000);

  it('gives the ENI back after a crash too, with a connection to 169.254.170.2 open', async () => {
    const [arn = ''] = await world.run('web', 1, NETWORK);
    await world.reach('RUNNING', [arn]);
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    const [program, args] = inNamespace(netnsOf(arn), 'bash', [
      '-c',
      'exec 3<>/dev/tcp/169.254.170.2/80; sleep 600',
    ]);
    using _ = disposing(
      spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: 'ignore' }),
    );
    await until(async () => /169\.254\.170\.2(%lo)?:51679/.test(await inTask(arn, 'ss', '-tn')), {
      what: 'the connection is open',
    });
    await world.aws('stop-task', '--task', arn);
    await world.reach('STOPPED', [arn]);
    await until(() => onHost(ONE), { what: 'the ENI is on the host', timeoutMs: 5_000 });
  }, 120_000);
});

function disposing(child: ChildProcess): Disposable {
  return { [Symbol.dispose]: () => void child.kill('SIGKILL') };
}
