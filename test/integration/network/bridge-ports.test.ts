import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HOST, servePorts } from '../../support/network-host.ts';
import { tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { BridgeStage, container, tcp, udp } from './bridge-stage.ts';

let stage: BridgeStage;
beforeEach(async () => {
  stage = await BridgeStage.open();
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

/** Waits until something in the host has that TCP port. */
async function bound(port: number): Promise<void> {
  await until(async () => (await stage.host.run('ss', '-tln')).includes(`:${port} `), {
    what: `port ${port} is bound`,
  });
}

describe('host ports', () => {
  test('dynamic ports advance from the last assigned, tcp and udp alike (NET-8, ENG-116, OBS-90)', async () => {
    const bridge = await stage.start({ PORTS: '40000-40003' });
    const first = await bridge.ensure(container('a', [tcp(80), udp(53)]));
    expect(first.bindings.map((b) => [b.containerPort, b.hostPort])).toEqual([
      [53, 40_001],
      [80, 40_000],
    ]);
    await bridge.release(container('a', [tcp(80), udp(53)]));
    const second = await bridge.ensure(container('b', [tcp(80), tcp(81)]));
    expect(second.bindings.map((b) => b.hostPort)).toEqual([40_002, 40_003]);
  });

  test('the search for dynamic ports wraps around, once (NET-68, ENG-148)', async () => {
    const bridge = await stage.start({ PORTS: '40000-40003' });
    await bridge.ensure(container('a', [tcp(80)]));
    await bridge.ensure(container('b', [tcp(80), tcp(81), tcp(82)]));
    await bridge.release(container('a', [tcp(80)]));
    const third = await bridge.ensure(container('c', [tcp(80)]));
    expect(third.bindings.map((b) => b.hostPort)).toEqual([40_000]);
    await expect(bridge.ensure(container('d', [tcp(80)]))).rejects.toThrow('a host port is unavailable');
  });

  test('a port that another process listens on is skipped, from the start of the range upwards (NET-9, OBS-89)', async () => {
    using _other = servePorts(stage.host.name, 'other', 'tcp:127.0.0.1:40000');
    await bound(40_000);
    const bridge = await stage.start({ PORTS: '40000-40003' });
    const { bindings } = await bridge.ensure(container('a', [tcp(80)]));
    expect(bindings.map((b) => b.hostPort)).toEqual([40_001]);
  });

  test('a range gets as many host ports in a row, mapped in order, and is one binding (NET-10, NET-69)', async () => {
    using _other = servePorts(stage.host.name, 'other', 'tcp:40001');
    await bound(40_001);
    const bridge = await stage.start({ PORTS: '40000-40009' });
    const ranged = container('a', [{ protocol: 'tcp', containerPort: 7000, hostPort: 0, rangeLength: 3 }]);
    const { bindings } = await bridge.ensure(ranged);
    expect(bindings).toEqual([
      { bindIp: '0.0.0.0', protocol: 'tcp', containerPort: 7000, hostPort: 40_002, rangeLength: 3 },
    ]);
    using _server = servePorts(stage.netnsOf(ranged), 'ranged', 'tcp:7002');
    await until(() => stage.fetch(stage.host.outside, HOST.inside4, 40_004), {
      what: 'the last of the range',
    });
  });

  test('without a free port the container fails with the words of ECS (NET-11)', async () => {
    const bridge = await stage.start({ PORTS: '40000-40001' });
    await bridge.ensure(container('a', [tcp(80)]));
    const two = [{ protocol: 'tcp', containerPort: 7000, hostPort: 0, rangeLength: 2 }] as const;
    await expect(bridge.ensure(container('b', two))).rejects.toMatchObject({
      code: 'HostConfigError',
      message: 'error retrieving docker port map: 2 contiguous host ports are unavailable',
    });
    await bridge.ensure(container('c', [tcp(80)]));
    await expect(bridge.ensure(container('d', [tcp(80)]))).rejects.toMatchObject({
      code: 'HostConfigError',
      message: 'error retrieving docker port map: a host port is unavailable',
    });
  });

  test('UDP and TCP of the same number do not clash (NET-70, OBS-91)', async () => {
    const bridge = await stage.start();
    const { bindings } = await bridge.ensure(container('a', [tcp(80, 8080), udp(80, 8080)]));
    expect(bindings.map((b) => [b.protocol, b.hostPort])).toEqual([
      ['tcp', 8080],
      ['udp', 8080],
    ]);
  });

  test('a given port that is taken is refused with who has it', async () => {
    const bridge = await stage.start();
    using _other = servePorts(stage.host.name, 'other', 'tcp:8080');
    await bound(8080);
    await expect(bridge.ensure(container('a', [tcp(80, 8080)]))).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringMatching(
        /Bind for 0\.0\.0\.0:8080 failed: port is already allocated; .*node.* \(pid \d+\)/,
      ),
    });
    await bridge.ensure(container('b', [tcp(80, 8081)]));
    await expect(bridge.ensure(container('c', [tcp(81), tcp(80, 8081)]))).rejects.toMatchObject({
      message: expect.stringContaining('used by container "b"'),
    });
    // Nothing of a refused container stays taken.
    expect((await bridge.ensure(container('d', [tcp(80)]))).bindings[0]?.hostPort).toBe(40_001);
  });

  test('a given port is waited for while its last user is on its way out', async () => {
    const bridge = await stage.start();
    const old = container('old', [tcp(80, 8080)]);
    await bridge.ensure(old);
    const next = bridge.ensure(container('new', [tcp(80, 8080)]));
    await bridge.release(old);
    expect((await next).bindings[0]?.hostPort).toBe(8080);
  });

  test('a published port stays reserved on the host, also after a restart (NET-14, NET-73)', async () => {
    const bind = () =>
      tryRun(
        ...stage.host.command(process.execPath, [
          '-e',
          "require('net').createServer().listen(8080, '0.0.0.0', () => process.exit())",
        ]),
      );
    const bridge = await stage.start();
    const web = container('web', [tcp(80, 8080), tcp(81)]);
    const before = await bridge.ensure(web);
    expect((await bind()).stderr).toContain('EADDRINUSE');
    await bridge.kill();
    const again = await stage.start();
    expect((await bind()).stderr).toContain('EADDRINUSE');
    expect((await again.ensure(web)).bindings).toEqual(before.bindings);
    await again.release(web);
    expect((await bind()).exitCode).toBe(0);
  });

  test('bindings name :: only where that is asked for and there is IPv6, 0.0.0.0 not on IPv6-only instances (NET-16, NET-75)', async () => {
    const bridge = await stage.start({ REPORT: 'ipv4,ipv6' });
    const { bindings } = await bridge.ensure(container('a', [tcp(80)]));
    expect(bindings.map((b) => b.bindIp)).toEqual(['0.0.0.0']);
    await using dual = await BridgeStage.open({ ipv6: true });
    const both = await dual.start({ REPORT: 'ipv4,ipv6' });
    expect((await both.ensure(container('a', [tcp(80)]))).bindings.map((b) => b.bindIp)).toEqual([
      '0.0.0.0',
      '::',
    ]);
    const only6 = await dual.start({ REPORT: 'ipv6', NAMESPACE: `${dual.namespace}-6` });
    expect((await only6.ensure(container('b', [tcp(80)]))).bindings.map((b) => b.bindIp)).toEqual(['::']);
    await using plain = await BridgeStage.open({ ipv6: true });
    const one = await plain.start();
    expect((await one.ensure(container('a', [tcp(80)]))).bindings.map((b) => b.bindIp)).toEqual(['0.0.0.0']);
  });
});
