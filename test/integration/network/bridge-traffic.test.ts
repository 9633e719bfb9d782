import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bridgeNames } from '../../../src/network/bridge/bridge-names.ts';
import {
  fetchFrom,
  HOST,
  leadLoopbackTo,
  SteadyClient,
  sendFrom,
  servePorts,
} from '../../support/network-host.ts';
import { run } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { type BridgeProcess, BridgeStage, container, type TestContainer, tcp, udp } from './bridge-stage.ts';

/*
 * Real traffic through the rules and links of bridge mode, by nftables and by iptables. Containers are servers in
 * their namespaces: no runtime is needed for packets.
 */

/** A container's program. */
function serve(stage: BridgeStage, target: TestContainer, ...ports: readonly string[]): Disposable {
  return servePorts(stage.netnsOf(target), target.spec.name, ...ports);
}

/** Waits for the server behind it. */
async function answer(from: string, address: string, port: number): Promise<string> {
  const what = `port ${port} of ${address} answers ${from}`;
  return await until(() => fetchFrom(from, address, port), { what, timeoutMs: 15_000 });
}

describe.each(['nft', 'iptables'])('traffic of bridge containers with %s', (backend) => {
  const hidden = { HIDE: backend === 'iptables' ? 'nft' : '' };
  let stage: BridgeStage;
  let bridge: BridgeProcess;
  const web = container('web', [tcp(80, 8080), tcp(81), udp(53, 5353)]);
  const other = container('other', [tcp(80)]);
  const stack = new DisposableStack();
  let dynamicPort = 0;

  beforeAll(async () => {
    stage = await BridgeStage.open({ ipv6: true });
    bridge = await stage.start(hidden);
    const [network] = await Promise.all([bridge.ensure(web), bridge.ensure(other)]);
    dynamicPort = network.bindings.find(({ containerPort }) => containerPort === 81)?.hostPort ?? 0;
    stack.use(serve(stage, web, 'tcp:80', 'tcp:81', 'udp:53'));
    stack.use(serve(stage, other, 'tcp:80'));
    stack.use(servePorts(stage.host.outside, 'outside', 'tcp:90'));
    stack.use(servePorts(stage.host.name, 'secret', 'tcp:127.0.0.1:91'));
    await answer(stage.host.name, HOST.inside4, 8080);
  });
  afterAll(async () => {
    stack.dispose();
    await stage[Symbol.asyncDispose]();
  });

  test('a published port is reached from off host (NET-13, NET-6)', async () => {
    expect(await answer(stage.host.outside, HOST.inside4, 8080)).toBe(`web to ${HOST.outside4}`);
  });

  test('a dynamic port is reached from off host and lies in the range (NET-7)', async () => {
    expect(dynamicPort).toBeGreaterThanOrEqual(40_000);
    expect(dynamicPort).toBeLessThanOrEqual(40_999);
    expect(await answer(stage.host.outside, HOST.inside4, dynamicPort)).toBe(`web to ${HOST.outside4}`);
  });

  test('a published port is reached from the host through 127.0.0.1 (NET-71)', async () => {
    expect(await answer(stage.host.name, '127.0.0.1', 8080)).toMatch(/^web to /);
    expect(await answer(stage.host.name, '127.0.0.1', dynamicPort)).toMatch(/^web to /);
  });

  test('a published port is reached from another container through the host address (NET-72)', async () => {
    expect(await answer(stage.netnsOf(other), HOST.inside4, 8080)).toMatch(/^web to /);
  });

  test('a container reaches its own published port through the host address', async () => {
    expect(await answer(stage.netnsOf(web), HOST.inside4, 8080)).toMatch(/^web to /);
  });

  test('containers reach each other by address, each seeing the other (NET-5)', async () => {
    const address = await addressOf(stage, web);
    expect(await answer(stage.netnsOf(other), address, 80)).toBe(`web to ${await addressOf(stage, other)}`);
  });

  test('UDP mappings work (NET-12)', async () => {
    const echoed = await until(() => sendFrom(stage.host.outside, HOST.inside4, 5353, 'hello'), {
      what: 'the datagram comes back',
      timeoutMs: 15_000,
    });
    expect(echoed).toBe('web hello');
  });

  test('a client that never pauses reaches the next container on a UDP port', async () => {
    const [early, late] = [container('early', [udp(53, 5454)]), container('late', [udp(53, 5454)])];
    using client = new SteadyClient(stage.host.outside, HOST.inside4, 5454);
    await client.sent(3);
    await bridge.ensure(early);
    using _first = serve(stage, early, 'udp:53');
    await until(() => client.last?.startsWith('early '), { what: 'the first container answers' });
    await bridge.release(early);
    await bridge.ensure(late);
    using _second = serve(stage, late, 'udp:53');
    await until(() => client.last?.startsWith('late '), { what: 'the second container answers' });
  });

  test('outgoing traffic is masqueraded (NET-65)', async () => {
    expect(await answer(stage.netnsOf(web), HOST.outside4, 90)).toContain(HOST.inside4);
    expect(await answer(stage.netnsOf(web), HOST.outside6, 90)).toContain(HOST.inside6);
  });

  test('a port that is not published is not reached from off host, even by the container address', async () => {
    const address = await addressOf(stage, other);
    const via = ['-n', stage.host.outside, 'route', 'add', `${address}/32`, 'via', HOST.inside4];
    await run('ip', via);
    expect(await fetchFrom(stage.host.outside, address, 80)).toBeUndefined();
  });

  test('published ports are reached by IPv6 where the host has it', async () => {
    expect(await answer(stage.host.outside, HOST.inside6, 8080)).toContain(HOST.outside6);
    expect(await answer(stage.netnsOf(other), HOST.inside6, 8080)).toMatch(/^web to /);
  });

  test('[::1] is refused at once instead of hanging', async () => {
    const begun = performance.now();
    expect(await fetchFrom(stage.host.name, '::1', 8080)).toBeUndefined();
    expect(performance.now() - begun).toBeLessThan(1_500);
  });

  test('services on the loopback address of the host are not reached from a container', async () => {
    await answer(stage.host.name, '127.0.0.1', 91);
    const netns = stage.netnsOf(other);
    await leadLoopbackTo('172.17.0.1', 'eth0', netns);
    expect(await fetchFrom(netns, '127.0.0.1', 91)).toBeUndefined();
  });

  test('routing of 127.0.0.0/8 is on for the bridge and for no other link (NET-24)', async () => {
    const { bridge: name } = bridgeNames(stage.namespace);
    const settings = [name, 'up0', 'all'].map((link) => `/proc/sys/net/ipv4/conf/${link}/route_localnet`);
    expect(await stage.host.run('cat', ...settings)).toBe('1\n0\n0\n');
  });

  test('services on the loopback address of the host are not reached from off host (NET-79)', async () => {
    await answer(stage.host.name, '127.0.0.1', 91);
    const { outside } = stage.host;
    await leadLoopbackTo(HOST.inside4, 'up0', outside);
    expect(await fetchFrom(outside, '127.0.0.1', 91)).toBeUndefined();
  });

  test('rules that somebody flushed are restored with the next container (NET-81)', async () => {
    await stage.host.run('nft', 'flush', 'ruleset');
    expect(await fetchFrom(stage.host.outside, HOST.inside4, 8080)).toBeUndefined();
    await bridge.ensure(container('later'));
    expect(await answer(stage.host.outside, HOST.inside4, 8080)).toMatch(/^web to /);
  });

  test('rules are there once however often the network starts (NET-26)', async () => {
    const before = await rulesOf(stage);
    await bridge.kill();
    bridge = await stage.start(hidden);
    await bridge.ensure(web);
    expect(await rulesOf(stage)).toBe(before);
  });

  test('beside a FORWARD policy of DROP traffic passes, and what that takes is put back (NET-13, NET-81)', async () => {
    await stage.host.run('iptables', '-P', 'FORWARD', 'DROP');
    await stage.host.run('ip6tables', '-P', 'FORWARD', 'DROP');
    await bridge.ensure(container('after-drop'));
    expect(await answer(stage.host.outside, HOST.inside4, 8080)).toMatch(/^web to /);
    expect(await answer(stage.host.outside, HOST.inside6, 8080)).toMatch(/^web to /);
    await stage.host.run('iptables', '-N', 'DOCKER-USER');
    await stage.host.run('iptables', '-F', 'FORWARD');
    await stage.host.run('iptables', '-A', 'FORWARD', '-j', 'DOCKER-USER');
    await bridge.ensure(container('after-docker'));
    expect(await answer(stage.host.outside, HOST.inside4, 8080)).toMatch(/^web to /);
    expect(await stage.host.run('iptables', '-S', 'DOCKER-USER')).toContain(' -j ACCEPT');
  });

  test('after release the rules are gone and the port is free (NET-15, NET-74)', async () => {
    await bridge.release(web);
    expect(await fetchFrom(stage.host.outside, HOST.inside4, 8080)).toBeUndefined();
    expect(await rulesOf(stage)).not.toContain('8080');
    using _server = servePorts(stage.host.name, 'host', 'tcp:8080');
    expect(await answer(stage.host.name, '127.0.0.1', 8080)).toMatch(/^host to /);
  });
});

async function addressOf(stage: BridgeStage, target: TestContainer): Promise<string> {
  const shown = await run('ip', ['-n', stage.netnsOf(target), '-4', '-o', 'addr', 'show', 'dev', 'eth0']);
  return /inet ([\d.]+)/.exec(shown)?.[1] ?? '';
}

/** All rules in force; nftables shows those of iptables too. */
async function rulesOf(stage: BridgeStage): Promise<string> {
  return await stage.host.run('nft', '-s', 'list', 'ruleset');
}
