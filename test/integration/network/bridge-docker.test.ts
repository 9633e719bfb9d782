import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Daemon, startDaemon } from '../../support/daemon.ts';
import { fetchFrom, HOST, servePorts } from '../../support/network-host.ts';
import { tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { type BridgeProcess, BridgeStage, container, tcp } from './bridge-stage.ts';

/** A dockerd in the host that is played: it makes docker0 and sets the policy of FORWARD to DROP. */
describe('bridge containers beside dockerd', () => {
  let stage: BridgeStage;
  let bridge: BridgeProcess;
  let dockerd: Daemon | undefined;
  const web = container('web', [tcp(80, 8080)]);
  const later = container('later', [tcp(80, 8081)]);

  async function startDockerd(): Promise<Daemon> {
    const socket = `unix://${stage.scratch.path('docker.sock')}`;
    const [command, args] = stage.host.command('dockerd', [
      ...['--data-root', stage.scratch.path('docker'), '--exec-root', stage.scratch.path('docker-run')],
      ...['-H', socket, '-p', stage.scratch.path('docker.pid'), '--userland-proxy=false'],
    ]);
    return await startDaemon({
      command,
      args,
      logFile: stage.scratch.path('dockerd.log'),
      deathSignal: 'TERM',
      readyTimeoutMs: 60_000,
      ready: async () => (await tryRun('docker', ['-H', socket, 'version'])).exitCode === 0,
    });
  }

  beforeAll(async () => {
    stage = await BridgeStage.open();
  });
  afterAll(async () => {
    await dockerd?.stop();
    await stage?.[Symbol.asyncDispose]();
  });

  test('avoid its subnet and pass its FORWARD policy of DROP (NET-13, NET-71)', async () => {
    dockerd = await startDockerd();
    expect(await stage.host.run('iptables', '-S', 'FORWARD')).toContain('-P FORWARD DROP');
    const docker0 = await stage.host.run('ip', '-4', '-o', 'addr', 'show', 'dev', 'docker0');
    bridge = await stage.start();
    await bridge.ensure(web);
    expect(docker0).toContain('172.17.0.1/16');
    expect(await stage.host.run('ip', '-4', '-o', 'addr', 'show')).toContain('172.18.0.1/16');
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    const fromOutside = () => fetchFrom(stage.host.outside, HOST.inside4, 8080);
    expect(await until(fromOutside, { what: 'it answers from off host' })).toBe(`web to ${HOST.outside4}`);
    expect(await fetchFrom(stage.host.name, '127.0.0.1', 8080)).toMatch(/^web to /);
    expect(await fetchFrom(stage.netnsOf(web), HOST.inside4, 8080)).toMatch(/^web to /);
  });

  test('still pass after dockerd was started anew, and leave its rules alone at the end (NET-81)', async () => {
    await dockerd?.stop();
    dockerd = await startDockerd();
    await bridge.ensure(later);
    using _server = servePorts(stage.netnsOf(later), 'later', 'tcp:80');
    const fromOutside = () => fetchFrom(stage.host.outside, HOST.inside4, 8081);
    expect(await until(fromOutside, { what: 'it answers from off host' })).toBe(`later to ${HOST.outside4}`);
    for (const one of [web, later]) await bridge.removeTask(one);
    await bridge.close();
    const rules = await stage.host.run('iptables', '-S');
    expect(rules).toContain('-N DOCKER-USER');
    expect(rules).not.toContain('ecs_bridge');
  });
});
