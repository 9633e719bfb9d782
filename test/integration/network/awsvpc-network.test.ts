import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { taskIdOf } from '../../../src/task/ids.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { type PlayedEni, PlayedInstance, VPC } from '../../support/instance.ts';
import { fetchFrom, inNamespace, servePorts } from '../../support/network-host.ts';
import { run, tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { awsvpcTask, eniOf, ensure, inTask, netnsOf, openAwsvpc } from './awsvpc-stage.ts';

const ONE: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const TWO: PlayedEni = { name: 'ens7', mac: '0e:00:00:00:00:07', ipv4: '10.98.0.7', ipv6: 'fd98::7' };
const ENDPOINT = '169.254.170.2';
const ROUTER = fileURLToPath(new URL('../../support/router-advertisement.ts', import.meta.url));

let instance: PlayedInstance;
let visit: Disposable;
let instances = 0;
beforeEach(async () => {
  instances += 1;
  instance = await PlayedInstance.create(`v${instances}`, { ipv6: true });
  visit = instance.host.enter();
  await instance.plug(ONE);
});
afterEach(async () => {
  visit[Symbol.dispose]();
  for (const name of readdirSync('/run/netns'))
    if (name.startsWith(`${instance.host.name}-`) && /[0-9a-f]{32}$/.test(name))
      await tryRun('ip', ['netns', 'del', name]);
  await instance[Symbol.asyncDispose]();
});

const open = (options: Parameters<typeof openAwsvpc>[2] = {}) =>
  openAwsvpc(instance.host.name, instance.scratch.path('run'), options);
const within = (task: TaskSpec, program: string, ...args: readonly string[]) =>
  inTask(instance.host.name, task, program, ...args);
const netns = (task: TaskSpec) => netnsOf(instance.host.name, task);
const outside = (address: string, port: number) => fetchFrom(instance.host.outside, address, port);
const onHost = async ({ name, mac }: PlayedEni) =>
  (await instance.links()).split('\n').find((line) => line.includes(` ${name}@`) && line.includes(mac));

describe('an awsvpc task', () => {
  test('has the ENI as eth0 with its addresses, its MTU and its default route (NET-36, NET-85, NET-86)', async () => {
    await instance.host.run('ip', 'link', 'set', ONE.name, 'mtu', '1400');
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE, { ipv4Addresses: ['10.98.0.6', '10.98.0.60'] }));
    const { namespace, addresses, bindings } = await ensure(network, task);
    expect(namespace).toEqual({ kind: 'path', path: `/run/netns/${netns(task)}` });
    expect(bindings).toEqual([]);
    expect(addresses).toEqual({ ipv4: '10.98.0.6', ipv6: 'fd98::6' });
    const shown = await within(task, 'ip', 'addr', 'show', 'dev', 'eth0');
    expect(shown).toMatch(/mtu 1400/);
    expect(shown).toContain(`link/ether ${ONE.mac}`);
    expect(shown).toContain('inet 10.98.0.6/24');
    expect(shown).toContain('inet 10.98.0.60/24');
    expect(await within(task, 'ip', 'route')).toContain(`default via ${VPC.router4} dev eth0`);
    using _ = servePorts(netns(task), 'app', 'tcp:8000');
    expect(await until(() => outside('10.98.0.6', 8000), { what: 'the task answers' })).toMatch(/^app to /);
    await network.removeTaskNetwork(task);
    expect(await onHost(ONE)).toMatch(/mtu 1400/);
    await network.close();
  });

  test('keeps the jumbo frames of its ENI (NET-60)', async () => {
    await instance.host.run('ip', 'link', 'set', ONE.name, 'mtu', '9001');
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    expect(await within(task, 'ip', 'link', 'show', 'dev', 'eth0')).toMatch(/mtu 9001/);
  });

  test('with both families has its IPv6 address in a /64 and listens to router advertisements (NET-44, NET-95)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    expect(await within(task, 'ip', '-6', 'addr', 'show', 'dev', 'eth0')).toContain('inet6 fd98::6/64');
    const setting = (name: string) => within(task, 'cat', `/proc/sys/net/ipv6/conf/eth0/${name}`);
    expect(await setting('disable_ipv6')).toBe('0\n');
    expect(await setting('accept_ra')).toBe('1\n');
    expect(await within(task, 'ip', '-6', 'route', 'show', 'default')).toBe('');
    using _ = servePorts(netns(task), 'app', 'tcp:::8000');
    expect(await until(() => outside('fd98::6', 8000), { what: 'the task answers' })).toMatch(/^app to /);
  });

  test('with both families takes its default IPv6 route from the router (NET-96)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    const advertise = inNamespace(instance.host.outside, process.execPath, [ROUTER, 'vpc0']);
    const route = await until(
      async () => {
        await tryRun(...advertise);
        const shown = await within(task, 'ip', '-6', 'route', 'show', 'default');
        return shown !== '' && shown;
      },
      { what: 'the task has a default route', intervalMs: 200 },
    );
    expect(route).toMatch(/^default via fe80::\S+ dev eth0 proto ra /);
  });

  test('with IPv6 alone has the prefix of its subnet, a default route and its address in hosts (NET-45, NET-93, NET-97)', async () => {
    const network = await open();
    const { subnetGatewayIpv4: _, ...only6 } = eniOf(ONE, {
      ipv4Addresses: [],
      subnetGatewayIpv6: `${VPC.router6}/80`,
    });
    const task = awsvpcTask('a1', only6);
    const { mounts, hostname } = await ensure(network, task);
    expect(await within(task, 'ip', '-6', 'addr', 'show', 'dev', 'eth0')).toContain('inet6 fd98::6/80');
    expect(await within(task, 'ip', '-6', 'route')).toContain(`default via ${VPC.router6} dev eth0`);
    const hosts = mounts.find(({ destination }) => destination === '/etc/hosts');
    expect(readFileSync(hosts?.source ?? '', 'utf8')).toContain(`fd98::6\t${hostname}\n`);
  });

  test('shares namespace and names between its containers, which see each other on localhost (NET-41, NET-92, RES-82)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    const app = await ensure(network, task, 'app');
    const side = await ensure(network, task, 'side');
    expect(side).toEqual(app);
    expect(app.mounts.map(({ destination }) => destination).sort()).toEqual([
      '/etc/hostname',
      '/etc/hosts',
      '/etc/resolv.conf',
    ]);
    using _ = servePorts(netns(task), 'app', 'tcp:127.0.0.1:8000');
    const local = () => fetchFrom(netns(task), '127.0.0.1', 8000);
    expect(await until(local, { what: 'the other container answers on localhost' })).toMatch(/^app to /);
  });

  test('has the names, addresses and name servers of the ENI in its files (NET-42, NET-43, RES-83)', async () => {
    const network = await open();
    const eni = eniOf(ONE, { ipv4Addresses: ['10.98.0.6', '10.98.0.60'] });
    const app = await ensure(network, awsvpcTask('a1', eni), 'app');
    const text = (destination: string) =>
      readFileSync(app.mounts.find((mount) => mount.destination === destination)?.source ?? '', 'utf8');
    expect(text('/etc/hosts')).toContain(
      '10.98.0.6\tip-10-98-0-6.internal\n10.98.0.60\tip-10-98-0-6.internal\n',
    );
    expect(text('/etc/hosts')).not.toContain('fd98::6');
    expect(text('/etc/resolv.conf')).toBe('search us-west-2.compute.internal\nnameserver 10.98.0.2\n');
    expect(text('/etc/hostname')).toBe('ip-10-98-0-6.internal\n');
  });

  test('is called as its ENI; without names and servers of its own it has the default name and those of the host (NET-91, NET-94)', async () => {
    const network = await open();
    const { privateDnsName: _, ...nameless } = eniOf(ONE, { dnsServers: [], dnsSearch: [] });
    const named = await ensure(network, awsvpcTask('a1', eniOf(ONE)));
    expect(named.hostname).toBe('ip-10-98-0-6.internal');
    await network.removeTaskNetwork(awsvpcTask('a1', eniOf(ONE)));
    const { hostname, mounts } = await ensure(network, awsvpcTask('a2', nameless));
    expect(hostname).toMatch(/^[0-9a-f]{12}$/);
    const resolvConf = mounts.find(({ destination }) => destination === '/etc/resolv.conf');
    const servers = readFileSync('/etc/resolv.conf', 'utf8').match(/^nameserver (?!127\.)\S+/gm) ?? [];
    for (const server of servers) expect(readFileSync(resolvConf?.source ?? '', 'utf8')).toContain(server);
  });

  test('reaches the metadata service of the instance through its ENI unless that is blocked (NET-40, NET-90)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    // The double answers 401 without a token: that is an answer.
    expect(await fetchFrom(netns(task), VPC.imds, 80)).toBe('');
    await network.removeTaskNetwork(task);
    const blocking = await open({ blockInstanceMetadata: true });
    await ensure(blocking, task);
    const route = (address: string) => tryRun(...inNamespace(netns(task), 'ip', ['route', 'get', address]));
    expect((await route(VPC.imds)).exitCode).not.toBe(0);
    expect((await route('fd00:ec2::254')).exitCode).not.toBe(0);
    expect((await route('169.254.169.253')).stdout).toContain(`via ${VPC.router4}`);
    expect(await fetchFrom(netns(task), ENDPOINT, 80)).toBe(taskIdOf(task.arn));
    expect(await fetchFrom(netns(task), VPC.imds, 80)).toBeUndefined();
  });

  test('asks 169.254.170.2 for itself alone, not for a neighbour, also while it serves port 80 on every address', async () => {
    await instance.plug(TWO);
    const network = await open();
    const [one, two] = [awsvpcTask('a1', eniOf(ONE)), awsvpcTask('a2', eniOf(TWO))];
    await ensure(network, one);
    await ensure(network, two);
    using _ = servePorts(netns(one), 'app', 'tcp:0.0.0.0:80', 'tcp:::81');
    expect(await until(() => outside(ONE.ipv4, 80), { what: 'port 80 answers' })).toMatch(/^app to /);
    expect(await fetchFrom(netns(one), ENDPOINT, 80)).toBe(taskIdOf(one.arn));
    expect(await fetchFrom(netns(two), ENDPOINT, 80)).toBe(taskIdOf(two.arn));
    await run(...inNamespace(netns(two), 'ip', ['route', 'add', `${ENDPOINT}/32`, 'via', ONE.ipv4]));
    await run(...inNamespace(netns(two), 'ip', ['addr', 'del', `${ENDPOINT}/32`, 'dev', 'lo']));
    expect(await fetchFrom(netns(two), ENDPOINT, 51_679)).toBeUndefined();
  });
});

describe('the end of an awsvpc task', () => {
  test('leaves the ENI on the host, down and under its old name, with connections open and however often it is told (NET-49, NET-103)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    const { spawn } = await import('node:child_process');
    const [program, args] = inNamespace(netns(task), 'bash', [
      '-c',
      `exec 3<>/dev/tcp/${ENDPOINT}/80; sleep 60`,
    ]);
    const client = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: 'ignore' });
    try {
      await until(async () => /169\.254\.170\.2(%lo)?:51679/.test(await within(task, 'ss', '-tn')), {
        what: 'the connection is open',
      });
      await network.releaseTaskNetwork(task);
      expect(await onHost(ONE)).toMatch(/state DOWN/);
      expect(await onHost(ONE)).not.toContain('alias');
      await network.releaseTaskNetwork(task);
    } finally {
      client.kill('SIGKILL');
    }
    await network.removeTaskNetwork(task);
    await network.close();
    expect(readdirSync(instance.scratch.path('run'), { recursive: true })).toEqual(['tasks']);
    expect(readdirSync('/run/netns')).not.toContain(netns(task));
  });

  test('gives the ENI another name where its own was taken meanwhile', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    await instance.host.run('ip', 'link', 'add', ONE.name, 'type', 'bridge');
    await network.releaseTaskNetwork(task);
    expect(await instance.links()).toMatch(/ecs000006@/);
  });

  test('comes too when its set-up fails, at once; then nothing is left, and the reason says what was missing (NET-47, NET-100)', async () => {
    const network = await open();
    const lost = awsvpcTask('a1', eniOf(ONE, { subnetGatewayIpv4: '10.97.0.1/24' }));
    await expect(ensure(network, lost)).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: expect.stringMatching(/eni-0e0000000006: adding route 0\.0\.0\.0\/0 via 10\.97\.0\.1 failed/),
    });
    expect(await onHost(ONE)).toMatch(/state DOWN/);
    const absent = awsvpcTask('a2', eniOf(TWO));
    await expect(ensure(network, absent)).rejects.toThrow(
      /no network device of this instance has the MAC address 0e:00:00:00:00:07/,
    );
    for (const task of [lost, absent]) await network.releaseTaskNetwork(task);
    expect(readdirSync('/run/netns')).not.toContain(netns(lost));
    await network.removeTaskNetwork(lost);
    await network.removeTaskNetwork(absent);
    await network.close();
    expect(readdirSync(instance.scratch.path('run'), { recursive: true })).toEqual(['tasks']);
  }, 20_000);

  test('is taken again by another container of the task, into the namespace in which the first may wait', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    const failing = awsvpcTask('a1', eniOf(ONE, { subnetGatewayIpv4: '10.97.0.1/24' }));
    await expect(ensure(network, failing)).rejects.toThrow(/adding route/);
    const before = statSync(`/run/netns/${netns(task)}`).ino;
    await ensure(network, task, 'side');
    expect(statSync(`/run/netns/${netns(task)}`).ino).toBe(before);
    expect(await onHost(ONE)).toBeUndefined();
    await network.releaseTaskNetwork(task);
  });

  test('is brought about by the sweep when nobody knows the task (NET-51)', async () => {
    const first = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(first, task);
    await first.close();
    const next = await open();
    expect(await fetchFrom(netns(task), ENDPOINT, 80)).toBe(taskIdOf(task.arn));
    await next.removeLeftovers({ knowsContainer: () => false, knowsTask: () => true });
    expect(await onHost(ONE)).toBeUndefined();
    await next.removeLeftovers({ knowsContainer: () => false, knowsTask: () => false });
    expect(await onHost(ONE)).toMatch(/state DOWN/);
    expect(readdirSync('/run/netns')).not.toContain(netns(task));
  });
});
