import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  ensureNetworkNamespace,
  inNetworkNamespace,
  removeNetworkNamespace,
} from '../../../src/host/netns.ts';
import { type RunCommand, runCommand } from '../../../src/host/run-command.ts';
import { ensureEndpointRule } from '../../../src/network/endpoint/endpoint-rule.ts';
import { HostEndpoint } from '../../../src/network/endpoint/host-endpoint.ts';
import { makeNamespaceRule } from '../../../src/network/endpoint/namespace-rule.ts';
import { type TaskId, taskArn, taskIdOf } from '../../../src/task/ids.ts';
import {
  exchangeFrom,
  fetchFrom,
  HOST,
  inNamespace,
  leadLoopbackTo,
  servePorts,
} from '../../support/network-host.ts';
import { run } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { type BridgeProcess, BridgeStage, container, type TestContainer, tcp } from './bridge-stage.ts';

const ENDPOINT = '169.254.170.2';

let stage: BridgeStage;
beforeEach(async () => {
  stage = await BridgeStage.open();
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

const askAs = (one: TestContainer) => fetchFrom(stage.netnsOf(one), ENDPOINT, 80);
/** As `askAs`, of an agent that may be long about it; one that refuses is told at once. */
async function askPatiently(one: TestContainer): Promise<string | undefined> {
  const answer = await exchangeFrom(stage.netnsOf(one), ENDPOINT, 80, 'GET / HTTP/1.0\r\n\r\n', 20);
  return answer?.split('\r\n\r\n')[1];
}
const idOf = ({ arn }: TestContainer) => taskIdOf(taskArn(arn));

/** A connection from inside a container on which nobody says anything. */
async function connectFrom(one: TestContainer): Promise<{ readonly ended: Promise<unknown> }> {
  const script = `exec 3<>/dev/tcp/${ENDPOINT}/80 && echo open && cat <&3`;
  const [program, args] = inNamespace(stage.netnsOf(one), 'timeout', ['20', 'bash', '-c', script]);
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args]);
  await once(child.stdout, 'data');
  return { ended: once(child, 'exit') };
}

const withoutNft: RunCommand = async (program, ...rest) => {
  if (program === 'nft') throw Object.assign(new Error('nft is hidden'), { code: 'ENOENT' });
  return await runCommand(program, ...rest);
};

describe('169.254.170.2 in a container of bridge mode', () => {
  test('answers each container for its own task, also one that serves port 80 of every address', async () => {
    await using bridge = await stage.start();
    const web = container('web', [tcp(80, 8080)]);
    const other = container('other');
    await Promise.all([bridge.ensure(web), bridge.ensure(other)]);
    using _ = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await until(() => fetchFrom(stage.netnsOf(web), '127.0.0.1', 80), { what: 'the container serves' });
    expect(await askAs(web)).toBe(idOf(web));
    expect(await askAs(other)).toBe(idOf(other));
  });

  test('cannot be reached from another container or from outside', async () => {
    await using bridge = await stage.start();
    const [one, two] = [container('one'), container('two')];
    const [network] = await Promise.all([bridge.ensure(one), bridge.ensure(two)]);
    const address = network.addresses?.ipv4 ?? '';
    expect(address).toMatch(/^172\./);
    for (const port of [80, 51_679]) {
      expect(await fetchFrom(stage.netnsOf(two), address, port)).toBeUndefined();
      expect(await fetchFrom(stage.host.name, address, port)).toBeUndefined();
    }
    await run('ip', ['-n', stage.netnsOf(two), 'route', 'add', `${ENDPOINT}/32`, 'via', address]);
    expect(await askAs(two)).toBe(idOf(two));
  });

  test('goes on after the agent was killed and started again', async () => {
    const web = container('web');
    const first = await stage.start();
    await first.ensure(web);
    await first.kill();
    expect(await askAs(web)).toBeUndefined();
    await using _ = await stage.start();
    expect(await askAs(web)).toBe(idOf(web));
  });

  test('holds nothing up when the container goes, not even by an open connection', async () => {
    await using bridge = await stage.start();
    const web = container('web');
    await bridge.ensure(web);
    const { ended } = await connectFrom(web);
    await bridge.removeTask(web);
    const link = () => stage.host.run('ip', '-o', 'link', 'show', 'type', 'veth');
    expect((await link()).split('\n').filter((line) => line !== '' && !line.includes('up0'))).toEqual([]);
    await ended;
    await bridge.close();
    expect(await stage.remains()).toEqual([]);
  });

  test('is there before the container can run anything', async () => {
    await using bridge: BridgeProcess = await stage.start();
    const many = Array.from({ length: 10 }, (_, index) => container(`c${index}`));
    const answers = await Promise.all(
      many.map(async (one) => {
        await bridge.ensure(one);
        return await askPatiently(one);
      }),
    );
    expect(answers).toEqual(many.map(idOf));
  });
});

describe('the rule for 169.254.170.2 in a namespace', () => {
  const { signal } = new AbortController();
  const path = `/run/netns/rule-${process.pid}`;
  const shown = () => run('nsenter', [`--net=${path}`, 'nft', 'list', 'ruleset']);
  const inside =
    (work: RunCommand): RunCommand =>
    (...args) =>
      inNetworkNamespace(path, () => work(...args));
  beforeEach(() => {
    ensureNetworkNamespace(path, { ipv6: false });
  });
  afterEach(() => removeNetworkNamespace(path));

  test('is the same whether the agent or nft makes it, and there once however often', async () => {
    inNetworkNamespace(path, () => makeNamespaceRule('ecs_endpoint'));
    inNetworkNamespace(path, () => makeNamespaceRule('ecs_endpoint'));
    const own = await shown();
    await run('nsenter', [`--net=${path}`, 'nft', 'flush', 'ruleset']);
    await ensureEndpointRule('ecs_endpoint', 'namespace', { run: inside(runCommand), signal });
    expect(own).toBe(await shown());
    expect(own).toContain('ip daddr 169.254.170.2 tcp dport 80 dnat to 169.254.170.2:51679');
  });

  test('is made by iptables where there is no nft', async () => {
    for (const _ of [1, 2])
      await ensureEndpointRule('ecs_endpoint', 'namespace', { run: inside(withoutNft), signal });
    const rules = await run('nsenter', [`--net=${path}`, 'iptables', '-t', 'nat', '-S', 'OUTPUT']);
    expect(rules.match(/-d 169\.254\.170\.2\/32 .*--to-destination 169\.254\.170\.2:51679/g)).toHaveLength(1);
  });

  test('is refused as a whole, with what the kernel said', () => {
    const make = () => inNetworkNamespace(path, () => makeNamespaceRule('x'.repeat(300)));
    expect(make).toThrow(/making the rule for 169\.254\.170\.2 failed: E/);
  });
});

describe('169.254.170.2 in the network of the host', () => {
  const troubles: unknown[] = [];
  let visit: Disposable;
  beforeEach(() => {
    visit = stage.host.enter();
  });
  afterEach(() => visit[Symbol.dispose]());

  const open = (more: { bridge?: string; run?: RunCommand } = {}) =>
    new HostEndpoint({
      ...more,
      table: 'ecs_endpoint_test',
      users: stage.scratch.path('run/host-endpoint'),
      onTrouble: (error) => troubles.push(error),
    });
  const { signal } = new AbortController();
  const [ONE, TWO] = ['one', 'two'].map((name) => taskIdOf(taskArn(`arn:x/${name}`))) as [TaskId, TaskId];
  const rules = () => stage.host.run('nft', 'list', 'ruleset');

  test('leads to the listener on the loopback, over a restart, until the last task that needs it has gone (CFG-60)', async () => {
    using _ = servePorts(stage.host.name, 'agent', 'tcp:127.0.0.1:51679');
    const endpoint = open();
    await Promise.all([endpoint.ensure(ONE, { signal }), endpoint.ensure(TWO, { signal })]);
    await endpoint.ensure(ONE, { signal });
    const answer = () => fetchFrom(stage.host.name, ENDPOINT, 80);
    expect(await until(answer, { what: 'the listener answers' })).toContain('agent');
    endpoint.close();
    const after = open();
    after.resume();
    await after.release(ONE);
    await after.release(ONE);
    expect(await answer()).toContain('agent');
    await after.release(TWO);
    expect(await rules()).not.toContain('ecs_endpoint_test');
    await after.ensure(ONE, { signal });
    await after.releaseUnknown((task) => task === ONE);
    expect(await rules()).toContain('ecs_endpoint_test');
    await after.releaseUnknown(() => false);
    expect(await rules()).not.toContain('ecs_endpoint_test');
    expect(troubles).toEqual([]);
  });

  test('is reached without an IPv4 default route too, by one of its own on lo (CFG-61, NET-27)', async () => {
    const ownRoute = () => stage.host.run('ip', 'route', 'show', ENDPOINT);
    using _ = servePorts(stage.host.name, 'agent', 'tcp:127.0.0.1:51679');
    const endpoint = open();
    await endpoint.ensure(ONE, { signal });
    expect(await ownRoute()).toBe('');
    await endpoint.release(ONE);
    await stage.host.run('ip', 'route', 'del', 'default');
    await endpoint.ensure(ONE, { signal });
    expect(await ownRoute()).toMatch(/^169\.254\.170\.2 dev lo .*scope link/);
    const answer = () => fetchFrom(stage.host.name, ENDPOINT, 80);
    expect(await until(answer, { what: 'the listener answers' })).toBe('agent to 127.0.0.1');
    await endpoint.release(ONE);
    expect(await ownRoute()).toBe('');
  });

  test.each([
    ['nft', runCommand],
    ['iptables', withoutNft],
  ])(
    'is led to from a bridge by %s, which leads nowhere else on the loopback, until the end (NET-22, NET-24)',
    async (_, filter) => {
      const { outside } = stage.host;
      using _agent = servePorts(stage.host.name, 'agent', 'tcp:127.0.0.1:51679');
      using _private = servePorts(stage.host.name, 'private', 'tcp:127.0.0.1:9000');
      const routing = () => stage.host.run('cat', '/proc/sys/net/ipv4/conf/up0/route_localnet');
      await leadLoopbackTo(HOST.inside4, 'up0', outside);
      await run('ip', ['-n', outside, 'route', 'add', `${ENDPOINT}/32`, 'via', HOST.inside4, 'dev', 'up0']);
      const ask = (address: string, port: number) => fetchFrom(outside, address, port);

      const endpoint = open({ bridge: 'up0', run: filter });
      await endpoint.ensure(ONE, { signal });
      expect(await until(() => ask(ENDPOINT, 80), { what: 'the listener answers' })).toContain('agent');
      expect(await ask('127.0.0.1', 9000)).toBeUndefined();
      expect(await routing()).toBe('1\n');
      endpoint.close();

      const after = open({ bridge: 'up0', run: filter });
      after.resume();
      await after.release(ONE);
      expect(await routing()).toBe('0\n');
      expect(await ask(ENDPOINT, 80)).toBeUndefined();
      expect(await rules()).not.toContain('ecs_endpoint_test');

      await stage.host.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/conf/up0/route_localnet');
      // What the rules keep from the bridge.
      expect(await until(() => ask('127.0.0.1', 9000), { what: 'it is open without them' })).toContain(
        'private',
      );
      await after.ensure(TWO, { signal });
      expect(await ask('127.0.0.1', 9000)).toBeUndefined();
      await after.release(TWO);
      expect(await routing()).toBe('1\n');
    },
  );
});
