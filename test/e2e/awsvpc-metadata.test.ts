import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { observeFaultProblem } from '../../src/network/fault/network-faults.ts';
import { containerIdOf, taskArn } from '../../src/task/ids.ts';
import { NETWORK_PAUSE } from '../../src/task/internal-containers.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { type PlayedEni, PlayedInstance, VPC } from '../support/instance.ts';
import { exchangeFrom, fetchFrom, inNamespace, servePorts } from '../support/network-host.ts';
import { pushTestImage } from '../support/push-image.ts';
import { run } from '../support/run.ts';
import { sdkImage } from '../support/sdk-image.ts';
import { TASK_RUNTIMES, type TaskRuntime } from '../support/task-runtimes.ts';
import { until } from '../support/until.ts';

const ONE: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const TWO: PlayedEni = { name: 'ens7', mac: '0e:00:00:00:00:07', ipv4: '10.98.0.7', ipv6: 'fd98::7' };
const NETWORK = { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-1'] } } };
const TASK_ROLE = 'arn:aws:iam::123456789012:role/task';
const ENDPOINT = '169.254.170.2';
const FAULT_ATTRIBUTE = 'ecs.capability.fault-injection';
const IDLE = 'trap "exit 0" TERM; while :; do sleep 0.05; done';
/** Tells what an awsvpc container is told of itself, each on a line of its own, then waits to be stopped. */
const ASK = [
  'echo "id $(basename $ECS_CONTAINER_METADATA_URI_V4)"',
  'echo "role $(basename $AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)"',
  'echo "v2 $(wget -qO- http://169.254.170.2/v2/metadata)"',
  'echo "v3 $(wget -qO- $ECS_CONTAINER_METADATA_URI/task)"',
  'echo "v4 $(wget -qO- $ECS_CONTAINER_METADATA_URI_V4)"',
  'echo "credentials $(wget -qO- http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI)"',
  'echo done',
  IDLE,
].join('\n');

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

/** Everything runs in a network namespace that plays an EC2 instance; its ENIs are veth ends. */
describe.each(TASK_RUNTIMES)('what an awsvpc task on $name reads at 169.254.170.2', ({ name, start }) => {
  let instance: PlayedInstance;
  let visit: Disposable;
  let runtime: TaskRuntime;
  let world: EcsWorld;

  beforeAll(async () => {
    instance = await PlayedInstance.create(`am${name}`, { ipv6: true });
    visit = instance.host.enter();
    runtime = await start(instance.host);
    world = await EcsWorld.start({
      notOurs: runtime.notOurs,
      agentEnv: {
        ...runtime.agentEnv,
        AWS_EC2_METADATA_DISABLED: 'false',
        ECS_ENABLE_TASK_ENI: 'true',
        ECS_ENABLE_TASK_IAM_ROLE: 'true',
        // On a kernel without netem the agent does not claim it, and such tasks would not be placed.
        ECS_INSTANCE_ATTRIBUTES: JSON.stringify({ [FAULT_ATTRIBUTE]: 'by hand' }),
      },
      // New keys every two seconds.
      controlPlaneArgs: [
        '--network-interfaces',
        instance.interfacesFile([ONE, TWO]),
        ...['--credentials-life-ms', '20000', '--credentials-renew-ms', '18000'],
      ],
    });
    await instance.plug(ONE);
    await instance.plug(TWO);
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await runtime?.[Symbol.asyncDispose]();
    visit?.[Symbol.dispose]();
    await instance?.[Symbol.asyncDispose]();
  });

  const netnsOf = (arn: string) => `${world.namespace}-${arn.split('/').at(-1)}`;

  /** What is answered to a request from inside a task's network. */
  async function ask(
    arn: string,
    path: string,
    { method = 'GET', body = '', header = '' } = {},
  ): Promise<Reply> {
    const text = await exchangeFrom(
      netnsOf(arn),
      ENDPOINT,
      80,
      `${method} ${path} HTTP/1.0\r\n${header}Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [head = '', content = ''] = text?.split('\r\n\r\n') ?? [];
    const isJson = /content-type: application\/json/i.test(head);
    return { status: Number(head.split(' ')[1]), json: isJson ? JSON.parse(content) : content };
  }

  /** Runs a task until its container `main` has told everything; gives what follows each first word. */
  async function told(family: string) {
    const [arn = ''] = await world.run(family, 1, NETWORK);
    const [task] = await world.reach('RUNNING', [arn], 60_000);
    const ids = new Map(task?.containers.map(({ name, runtimeId = '' }) => [name, runtimeId]));
    const id = ids.get('main') ?? '';
    const lines = await until(
      async () => {
        const all = await runtime.logLines(world, id);
        return all.includes('done') && all;
      },
      { what: 'the container has asked for everything', timeoutMs: 20_000 },
    );
    const byWord = new Map(lines.map((line) => [line.split(' ')[0], line.slice(line.indexOf(' ') + 1)]));
    const text = (word: string) => byWord.get(word) ?? '';
    return { arn, id, ids, text, json: (word: string) => JSON.parse(text(word)) };
  }

  /** ENIs are used again, so each test gives its own back. */
  async function stop(...arns: readonly string[]): Promise<void> {
    await world.stop(...arns);
    await world.reach('STOPPED', arns);
    await runtime.expectClean(world);
  }

  // First: an agent that comes back no longer tells the attributes that were given by hand (ECS-66).
  it('lets it drop packets of its own network alone, and says so where the kernel has no netem (TMDS-61, TMDS-70, TMDS-71)', async () => {
    const problem = await observeFaultProblem();
    const log = readFileSync(world.agent.options.logFile, 'utf8');
    expect(log.includes('network faults cannot be made on this host')).toBe(problem !== undefined);
    await world.register(
      'faulty',
      ASK,
      {},
      { networkMode: 'awsvpc', taskRoleArn: TASK_ROLE, enableFaultInjection: true },
    );
    await world.register('one', ASK, {}, { networkMode: 'awsvpc', taskRoleArn: TASK_ROLE });
    const [task, other] = await Promise.all([told('faulty'), told('one')]);
    using _ = servePorts(instance.host.outside, 'out', 'tcp:8080');
    const fetched = (arn: string) => fetchFrom(netnsOf(arn), VPC.router4, 8080);
    await until(() => fetched(task.arn), { what: 'the server answers', timeoutMs: 20_000 });
    const call = (who: { arn: string; text(word: string): string }, name: string, body: object) =>
      ask(who.arn, `/api/${who.text('id')}/fault/v1/${name}`, { method: 'POST', body: JSON.stringify(body) });
    const blackhole = { Port: 8080, Protocol: 'tcp', TrafficType: 'egress' };

    expect(await call(task, 'network-blackhole-port/start', blackhole)).toEqual({
      status: 200,
      json: { Status: 'running' },
    });
    expect(await call(task, 'network-blackhole-port/start', blackhole)).toEqual({
      status: 429,
      json: 'You have reached maximum request limit',
    });
    expect(await call(task, 'network-blackhole-port/status', blackhole)).toMatchObject({
      json: { Status: 'running' },
    });
    expect(await Promise.all([fetched(task.arn), fetched(other.arn)])).toEqual([
      undefined,
      expect.any(String),
    ]);
    expect(await call(task, 'network-blackhole-port/stop', blackhole)).toMatchObject({
      json: { Status: 'stopped' },
    });
    expect(await fetched(task.arn)).toBeDefined();

    const latency = { DelayMilliseconds: 100, JitterMilliseconds: 0, Sources: [VPC.router4] };
    const loss = { LossPercent: 100, Sources: [VPC.router4] };
    const expected =
      problem === undefined
        ? { status: 200, json: { Status: 'running' } }
        : { status: 500, json: { Error: 'internal error' } };
    expect(await call(task, 'network-latency/start', latency)).toEqual(expected);
    expect(await call(task, 'network-latency/stop', {})).toMatchObject({ json: { Status: 'stopped' } });
    expect(await call(task, 'network-packet-loss/start', loss)).toEqual(expected);
    expect(await call(task, 'network-packet-loss/stop', {})).toMatchObject({ json: { Status: 'stopped' } });
    expect(await call(other, 'network-blackhole-port/start', blackhole)).toEqual({
      status: 400,
      json: { Error: `enableFaultInjection is not enabled for task: ${other.arn}` },
    });
    await stop(task.arn, other.arn);
  }, 120_000);

  it('is about its ENI, for each of its containers, before and after the agent was killed (TMDS-18, TMDS-45, NET-104)', async () => {
    const base = { image: world.image, memory: 64, essential: true };
    const main = { ...base, name: 'main', command: ['sh', '-c', ASK], portMappings: [{ containerPort: 80 }] };
    const side = { ...base, name: 'side', command: ['sh', '-c', IDLE] };
    const containerDefinitions = [main, side];
    await world.register(
      'self',
      '',
      {},
      { networkMode: 'awsvpc', taskRoleArn: TASK_ROLE, containerDefinitions },
    );
    const { arn, id, ids, text, json } = await told('self');
    // Where it is held by a container, that is one of the task's too.
    const held = name === 'docker' ? [NETWORK_PAUSE] : [];
    const heldIds = held.map((one) => containerIdOf(taskArn(arn), one, 0));
    const address = {
      NetworkMode: 'awsvpc',
      IPv4Addresses: [expect.stringMatching(/^10\.98\.0\.[67]$/)],
      IPv6Addresses: [expect.stringMatching(/^fd98::[67]$/)],
    };
    expect(json('v4')).toMatchObject({
      DockerId: id,
      Ports: [{ ContainerPort: 80, Protocol: 'tcp', HostPort: 80 }],
      Networks: [
        {
          ...address,
          AttachmentIndex: 0,
          MACAddress: expect.stringMatching(/^0e:00:00:00:00:0[67]$/),
          IPv4SubnetCIDRBlock: '10.98.0.0/24',
          IPv6SubnetCIDRBlock: 'fd98::/64',
          DomainNameServers: ['10.98.0.2'],
          DomainNameSearchList: ['us-west-2.compute.internal'],
          PrivateDNSName: expect.stringMatching(/^ip-10-98-0-[67]\.us-west-2\.compute\.internal$/),
          SubnetGatewayIpv4Address: `${VPC.router4}/24`,
        },
      ],
    });
    for (const version of ['v2', 'v3'])
      expect(json(version)).toMatchObject({
        TaskARN: arn,
        Containers: ['main', 'side', ...held].map((one) => ({ Name: one, Networks: [address] })),
      });
    expect(json('credentials')).toMatchObject({ RoleArn: TASK_ROLE });

    // What the container read may have been of the moment before it was known to run.
    const documents = async () => [await ask(arn, '/v2/metadata'), await ask(arn, `/v4/${text('id')}/task`)];
    const before = await documents();
    expect(before).toMatchObject([{ json: { KnownStatus: 'RUNNING' } }, { json: { TaskARN: arn } }]);
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    expect(await documents()).toEqual(before);
    const statsOf = async (path: string) =>
      (await ask(arn, path)).json as Record<string, Record<string, unknown>>;
    const stats = await until(
      async () => {
        const all = await statsOf(`/v4/${text('id')}/task/stats`);
        return [...ids.values()].every((one) => all[one]?.network_rate_stats) && all;
      },
      { what: 'two samples of each container', timeoutMs: 15_000 },
    );
    const allIds = [...ids.values(), ...heldIds].sort();
    expect(Object.keys(stats).sort()).toEqual(allIds);
    for (const one of ids.values()) expect(Object.keys(Object(stats[one]?.networks))).toEqual(['eth0']);
    expect(Object.keys(await statsOf('/v2/stats')).sort()).toEqual(allIds);
    expect(await ask(arn, `/v2/stats/${id}`)).toMatchObject({
      status: 200,
      json: { id, networks: { eth0: {} } },
    });
    await stop(arn);
  }, 120_000);

  it('is never of another task, whatever id or address it names', async () => {
    const [victim, thief] = await Promise.all([told('one'), told('one')]);
    const keys = victim.json('credentials');
    const victimAddress = victim.json('v2').Containers[0].Networks[0].IPv4Addresses[0];
    const replies = {
      v1: await ask(thief.arn, `/v1/credentials?id=${victim.text('role')}`),
      v2: await ask(thief.arn, `/v2/credentials/${victim.text('role')}`),
      v3: await ask(thief.arn, `/v3/${victim.text('id')}`),
      v4: await ask(thief.arn, `/v4/${victim.text('id')}/task`),
      container: await ask(thief.arn, `/v2/metadata/${victim.id}`),
      stats: await ask(thief.arn, `/v2/stats/${victim.id}`),
      protection: await ask(thief.arn, `/api/${victim.text('id')}/task-protection/v1/state`),
      header: await ask(thief.arn, '/v2/metadata', { header: `X-Forwarded-For: ${victimAddress}\r\n` }),
    };
    expect(replies).toMatchObject({
      v1: { status: 400, json: { code: 'InvalidIdInRequest', HTTPErrorCode: 400 } },
      v2: { status: 400, json: { code: 'InvalidIdInRequest', HTTPErrorCode: 400 } },
      v3: { status: 500, json: expect.stringContaining(victim.text('id')) },
      v4: { status: 404, json: expect.stringContaining(victim.text('id')) },
      container: { status: 400, json: `Unable to generate metadata for container '${victim.id}'` },
      stats: { status: 400, json: `Unable to get container stats for: ${victim.id}` },
      protection: { status: 404 },
      header: { status: 200, json: { TaskARN: thief.arn } },
    });
    // Even root of the task's network, who can take the other's address, gets nothing but its own.
    await run('ip', ['-n', netnsOf(thief.arn), 'addr', 'add', `${victimAddress}/32`, 'dev', 'lo']);
    const spoofed = await fetchAs(netnsOf(thief.arn), victimAddress, '/v2/metadata');
    const stolen = await fetchAs(netnsOf(thief.arn), victimAddress, `/v2/credentials/${victim.text('role')}`);
    expect(spoofed).toContain(thief.arn);
    expect(stolen).toContain('InvalidIdInRequest');
    for (const answer of [JSON.stringify(replies), spoofed, stolen])
      for (const secret of [keys.SecretAccessKey, keys.AccessKeyId, keys.Token])
        expect(answer).not.toContain(secret);
    await stop(victim.arn, thief.arn);
  }, 120_000);

  it('is what an AWS SDK takes for its credentials, through rotation (TMDS-93)', async () => {
    const program = fileURLToPath(new URL('sdk-program.ts', import.meta.url));
    const { reference } = await pushTestImage(world.registry, 'sdk:1', await sdkImage(program));
    const container = { image: reference, memory: 256, command: ['/usr/bin/node', '/app/main.mjs'] };
    await world.register('sdk', '', container, { networkMode: 'awsvpc', taskRoleArn: TASK_ROLE });
    const [arn = ''] = await world.run('sdk', 1, NETWORK);
    const [task] = await world.reach('RUNNING', [arn], 60_000);
    const keys = await until(
      async () => {
        const lines = await runtime.logLines(world, task?.containers[0]?.runtimeId ?? '');
        return lines.length >= 2 && lines;
      },
      { what: 'a second pair of keys', timeoutMs: 30_000 },
    );
    expect(keys).toEqual(keys.map(() => expect.stringMatching(/^keys \S+ \S+$/)));
    expect(new Set(keys).size).toBe(keys.length);
    await stop(arn);
  }, 120_000);
});

/** What the endpoint answers to a request whose source is that address. */
async function fetchAs(namespace: string, source: string, path: string): Promise<string> {
  const script = `require('node:http').get({ host: '${ENDPOINT}', path: '${path}', localAddress: '${source}', timeout: 4000 },
    (response) => response.pipe(process.stdout)).on('error', (error) => console.log(String(error)));`;
  return await run(...inNamespace(namespace, process.execPath, ['-e', script]));
}
