import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOST, servePorts } from '../../support/network-host.ts';
import { run } from '../../support/run.ts';
import { sampleOf, testSeed } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { type BridgeProcess, BridgeStage, container, type TestContainer, tcp } from './bridge-stage.ts';

let stage: BridgeStage;
beforeEach(async () => {
  stage = await BridgeStage.open();
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

const ip = (target: TestContainer, ...args: readonly string[]) =>
  run('ip', ['-n', stage.netnsOf(target), ...args]);

describe('the life of a bridge container', () => {
  test('it has eth0 in the first free subnet with MTU 1500, lo up, and its default route by the bridge (NET-4, NET-64, NET-112)', async () => {
    await run('ip', ['-n', stage.host.outside, 'link', 'show']);
    await stage.host.run('ip', 'route', 'add', '172.17.5.0/24', 'via', HOST.outside4);
    await stage.host.run('ip', 'link', 'add', 'docker0', 'type', 'bridge');
    await stage.host.run('ip', 'addr', 'add', '172.18.0.1/16', 'dev', 'docker0');
    const bridge = await stage.start();
    const web = container('web');
    await bridge.ensure(web);
    expect(await ip(web, 'addr', 'show', 'dev', 'eth0')).toMatch(/mtu 1500[\s\S]*inet 172\.19\.0\.2\/16/);
    expect(await ip(web, 'route')).toContain('default via 172.19.0.1 dev eth0');
    expect(await ip(web, 'addr', 'show', 'dev', 'lo')).toContain('LOOPBACK,UP');
  });

  test('what a container is made with is settled at once, its link and rules before its process runs', async () => {
    const bridge = await stage.start();
    const web = container('web', [tcp(80, 8080)]);
    const prepared = await bridge.prepare(web);
    expect(prepared).toMatchObject({ addresses: { ipv4: '172.17.0.2' }, bindings: [{ hostPort: 8080 }] });
    expect(await ip(web, '-br', 'link')).toMatch(/^lo .*\n?$/);
    await bridge.complete(web);
    expect(await ip(web, '-br', '-4', 'addr', 'show', 'dev', 'eth0')).toContain('172.17.0.2/16');
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await until(() => stage.fetch(stage.host.outside, HOST.inside4, 8080), { what: 'it answers' });
    expect(await bridge.prepare(web)).toEqual(prepared);
  });

  test('what was prepared is completed by the next run of the agent', async () => {
    const bridge = await stage.start();
    const [web, other] = [container('web'), container('other')];
    const { addresses } = await bridge.prepare(web);
    await bridge.kill();
    const again = await stage.start();
    await again.complete(web);
    expect(await ip(web, '-br', '-4', 'addr', 'show', 'dev', 'eth0')).toContain(`${addresses?.ipv4}/16`);
    expect((await again.ensure(other)).addresses).toEqual({ ipv4: '172.17.0.3' });
  });

  test('a namespace that was removed meanwhile is told and not made again: a process may wait in the old one', async () => {
    const bridge = await stage.start();
    const web = container('web');
    await bridge.prepare(web);
    await run('ip', ['netns', 'del', stage.netnsOf(web)]);
    await expect(bridge.complete(web)).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: expect.stringContaining(`${stage.netnsOf(web)} has been removed`),
    });
    expect(await stage.remains()).not.toContain(stage.netnsOf(web));
    await bridge.removeTask(web);
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('files name the container and its wishes (NET-20, NET-21)', async () => {
    const bridge = await stage.start();
    const plain = container('plain');
    const { hostname, mounts } = await bridge.ensure(plain);
    const text = (destination: string) =>
      readFileSync(mounts.find((mount) => mount.destination === destination)?.source ?? '', 'utf8');
    expect(hostname).toBe(plain.id.slice(0, 12));
    expect(text('/etc/hosts')).toBe(`127.0.0.1\tlocalhost\n172.17.0.2\t${hostname}\n`);
    const wishes = {
      hostname: 'app.example',
      dns: ['9.9.9.9'],
      dnsSearch: ['example'],
      extraHosts: ['db:10.0.0.7'],
    };
    const named = await bridge.ensure(container('named', [], wishes));
    const own = (destination: string) =>
      readFileSync(named.mounts.find((mount) => mount.destination === destination)?.source ?? '', 'utf8');
    expect(named.hostname).toBe('app.example');
    expect(own('/etc/hosts')).toContain('10.0.0.7\tdb\n172.17.0.3\tapp.example app\n');
    expect(own('/etc/resolv.conf')).toBe('search example\nnameserver 9.9.9.9\n');
  });

  test('files of containers without links name neither the others nor a server that would (NET-66)', async () => {
    const bridge = await stage.start();
    await bridge.ensure(container('db'));
    const app = container('app');
    const { hostname, mounts } = await bridge.ensure(app);
    const text = (destination: string) =>
      readFileSync(mounts.find((mount) => mount.destination === destination)?.source ?? '', 'utf8');
    expect(text('/etc/hosts')).toBe(`127.0.0.1\tlocalhost\n172.17.0.3\t${hostname}\n`);
    const ownServers = (file: string) => file.match(/^nameserver (?:127|172\.17)\..*/gm) ?? [];
    expect(ownServers(text('/etc/resolv.conf'))).toEqual([]);
  });

  test('an address that was given back is used again by another task (NET-113)', async () => {
    const bridge = await stage.start();
    const [first, second, third] = [container('a'), container('b'), container('c')];
    await bridge.ensure(first);
    const { addresses } = await bridge.ensure(second);
    await bridge.release(second);
    await bridge.kill();
    // Addresses go round the whole subnet: an agent begins with its first.
    const again = await stage.start();
    expect((await again.ensure(third)).addresses).toEqual(addresses);
    expect(await ip(third, '-4', '-o', 'addr', 'show', 'dev', 'eth0')).toContain(
      `inet ${addresses?.ipv4}/16`,
    );
    // Whoever remembers the former one's hardware address reaches this one.
    expect(addresses?.ipv4).toBe('172.17.0.3');
    expect(await ip(third, '-br', 'link', 'show', 'dev', 'eth0')).toContain('0a:58:ac:11:00:03');
  });

  test('fifty come up side by side with addresses and ports of their own and leave nothing (NET-62)', async () => {
    const bridge = await stage.start();
    const many = Array.from({ length: 50 }, (_, index) => container(`c${index}x`, [tcp(80)]));
    const networks = await Promise.all(many.map((one) => bridge.ensure(one)));
    expect(new Set(networks.map(({ bindings }) => bindings[0]?.hostPort)).size).toBe(50);
    const addresses = await Promise.all(
      many.map((one) => ip(one, '-4', '-o', 'addr', 'show', 'dev', 'eth0')),
    );
    expect(new Set(addresses.map((shown) => /inet ([\d.]+)/.exec(shown)?.[1])).size).toBe(50);
    await Promise.all(many.map((one) => bridge.removeTask(one)));
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('taking it down twice succeeds, also with its namespace gone (NET-49, NET-102)', async () => {
    const bridge = await stage.start();
    const web = container('web', [tcp(80)]);
    await bridge.ensure(web);
    await run('ip', ['netns', 'del', stage.netnsOf(web)]);
    await bridge.release(web);
    await bridge.release(web);
    await bridge.removeTask(web);
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('a restart changes no link, address or rule of a running container', async () => {
    const bridge = await stage.start();
    const web = container('web', [tcp(80, 8080)]);
    await bridge.ensure(web);
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await until(() => stage.fetch(stage.host.outside, HOST.inside4, 8080), { what: 'it answers' });
    const before = await everything(web);
    await bridge.kill();
    const again = await stage.start();
    await again.ensure(web);
    expect(await everything(web)).toBe(before);
    expect(await stage.fetch(stage.host.outside, HOST.inside4, 8080)).toMatch(/^web/);
  });

  test('what the store does not know is swept, what it knows stays', async () => {
    const bridge = await stage.start();
    const [kept, lost] = [container('kept', [tcp(80)]), container('lost', [tcp(80)])];
    await Promise.all([bridge.ensure(kept), bridge.ensure(lost)]);
    await bridge.kill();
    // As if the record had been lost with the power.
    writeFileSync(stage.scratch.path('run', 'network', 'containers', `${lost.id}.json`), '{');
    const again = await stage.start();
    await again.sweep(kept);
    expect(await stage.remains()).toContain(stage.netnsOf(kept));
    expect(await stage.remains()).not.toContain(stage.netnsOf(lost));
  });

  test('a plugin that is missing is named with where it was looked for and its package', async () => {
    const empty = stage.scratch.directory;
    const bridge = await stage.start({ PLUGINS: empty });
    const web = container('web', [tcp(80)]);
    await expect(bridge.ensure(web)).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: expect.stringMatching(/"bridge" is missing: looked for in .*containernetworking-plugins/),
    });
    await bridge.removeTask(web);
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('a plugin that is gone at the end holds up neither namespace nor ports, and is tried again (NET-101)', async () => {
    const bridge = await stage.start();
    const web = container('web', [tcp(80, 8080)]);
    await bridge.ensure(web);
    await bridge.kill();
    const without = await stage.start({ PLUGINS: stage.scratch.directory });
    await expect(without.release(web)).rejects.toMatchObject({ code: 'ContainerNetworkingError' });
    expect(await stage.remains()).not.toContain(stage.netnsOf(web));
    await without.kill();
    const again = await stage.start();
    await again.ensure(container('next', [tcp(80, 8080)]));
    await again.release(web);
    await again.removeTask(web);
    await again.removeTask(container('next'));
    await again.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('rules that somebody flushed are restored without anybody asking (NET-81)', async () => {
    const bridge = await stage.start();
    const web = container('web', [tcp(80, 8080)]);
    await bridge.ensure(web);
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await stage.host.run('nft', 'flush', 'ruleset');
    const answered = () => stage.fetch(stage.host.outside, HOST.inside4, 8080);
    await until(answered, { what: 'the next look puts them back', timeoutMs: 30_000 });
    // The rules are in force before the warning has come over from the bridge's process.
    await until(() => bridge.warnings.length > 0, { what: 'the warning about the rules' });
    expect(bridge.warnings).toEqual(['packet filter rules were changed by somebody else; put back']);
  });

  test('without nft and iptables the reason says what to install', async () => {
    const bridge = await stage.start({ HIDE: 'nft,iptables' });
    await expect(bridge.ensure(container('web', [tcp(80)]))).rejects.toMatchObject({
      code: 'ContainerNetworkingError',
      message: expect.stringContaining('install the package nftables'),
    });
  });
});

/** Names of links change by index only when a link is made anew. */
async function everything(web: TestContainer): Promise<string> {
  return [
    await stage.host.run('ip', '-o', 'link', 'show'),
    await ip(web, '-o', 'addr', 'show'),
    await ip(web, 'route'),
    await stage.host.run('nft', '-s', 'list', 'ruleset'),
  ].join('\n');
}

/*
 * Death before and after every program that set-up and tear-down run. One full round runs some twelve of them:
 * later numbers prove that a round comes to its end.
 */
const deaths = Array.from({ length: 14 }, (_, index) => index + 1).flatMap((nth) => [
  ['KILL_AT', nth] as const,
  ['KILL_AFTER', nth] as const,
]);
const seed = testSeed();
const setUps = sampleOf(deaths, 4, seed);
const tearDowns = sampleOf(deaths, 4, seed + 1);

describe(`death at every step (ECS_TEST_SEED=${seed}) (NET-51)`, () => {
  const web = container('web', [tcp(80, 8080), tcp(81)]);

  test.each(setUps)('%s %i of a set-up: it is completed after a restart, or swept', async (kind, nth) => {
    const first = stage.launch({ [kind]: String(nth) });
    await first.ready.then(() => first.ensure(web)).catch(() => undefined);
    await first.kill();
    const second = await stage.start();
    const { bindings } = await second.ensure(web);
    expect(bindings.map((b) => b.containerPort)).toEqual([80, 81]);
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await until(() => stage.fetch(stage.host.outside, HOST.inside4, 8080), { what: 'it answers' });
    await takenDown(second);
    const third = stage.launch({ [kind]: String(nth) });
    await third.ready.then(() => third.ensure(web)).catch(() => undefined);
    await third.kill();
    const fourth = await stage.start();
    await fourth.sweep();
    await fourth.removeTask(web);
    await fourth.close();
    expect(await stage.remains()).toEqual([]);
  });

  test.each(tearDowns)('%s %i of a tear-down: it is completed after a restart', async (kind, nth) => {
    const first = await stage.start();
    await first.ensure(web);
    await first.kill();
    const second = stage.launch({ [kind]: String(nth) });
    await second.ready.then(() => second.release(web)).catch(() => undefined);
    await second.kill();
    await takenDown(await stage.start());
  });

  async function takenDown(bridge: BridgeProcess): Promise<void> {
    await bridge.release(web);
    await bridge.removeTask(web);
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
    await bridge.kill();
  }
});
