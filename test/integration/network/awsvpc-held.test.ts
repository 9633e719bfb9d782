import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerObservation } from '../../../src/runtime/runtime.ts';
import { RuntimeUnavailableError } from '../../../src/task/errors.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import { NETWORK_PAUSE } from '../../../src/task/internal-containers.ts';
import { type PlayedEni, PlayedInstance } from '../../support/instance.ts';
import { fetchFrom, servePorts } from '../../support/network-host.ts';
import { run, tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { awsvpcTask, eniOf, ensure, netnsOf, openAwsvpc } from './awsvpc-stage.ts';

const ENI: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const task = awsvpcTask('a1', eniOf(ENI));
const pause = containerIdOf(task.arn, NETWORK_PAUSE, 0);

/** Containers join the namespace of one that holds it; here a process plays that container. */
describe('an awsvpc task whose namespace a container holds', () => {
  let instance: PlayedInstance;
  let visit: Disposable;
  let holder: ChildProcess;
  let instances = 0;
  beforeEach(async () => {
    instances += 1;
    instance = await PlayedInstance.create(`h${instances}`, { ipv6: true });
    visit = instance.host.enter();
    await instance.plug(ENI);
    holder = spawn('setpriv', ['--pdeathsig', 'KILL', '--', 'unshare', '--net', 'sleep', '600']);
    const own = readlinkSync('/proc/thread-self/ns/net');
    await until(() => namespaceOf(pid()) !== own, { what: 'the holder is in its namespace' });
  });
  afterEach(async () => {
    holder.kill('SIGKILL');
    visit[Symbol.dispose]();
    await tryRun('ip', ['netns', 'del', netns()]);
    await instance[Symbol.asyncDispose]();
  });

  const pid = () => holder.pid ?? 0;
  const namespaceOf = (process: number) => readlinkSync(`/proc/${process}/ns/net`);
  const netns = () => netnsOf(instance.host.name, task);
  const onHost = async () => (await instance.links()).includes(` ${ENI.name}@`);
  /** A network whose holder is observed so, one observation after the other. */
  const open = (...observations: readonly (ContainerObservation | Error)[]) => {
    const left = [...observations];
    return openAwsvpc(instance.host.name, instance.scratch.path('run'), {
      holders: {
        observeContainer: async (id) => {
          expect(id).toBe(pause);
          const next = left.length > 1 ? left.shift() : left[0];
          if (next instanceof Error) throw next;
          return next ?? { state: 'absent' };
        },
      },
    });
  };
  const running = (): ContainerObservation => ({ state: 'running', pid: pid() });

  test('has its ENI, its addresses and its endpoint in there, and is joined by that container (NET-36, NET-85, NET-95)', async () => {
    const inHolder = ['-t', String(pid()), '-n', '--'];
    await run('nsenter', [...inHolder, 'sh', '-c', 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6']);
    const network = await open(running());
    const { namespace, hostname, addresses } = await ensure(network, task);
    expect(namespace).toEqual({ kind: 'container', id: pause });
    expect(hostname).toBe('ip-10-98-0-6.internal');
    expect(addresses).toEqual({ ipv4: '10.98.0.6', ipv6: 'fd98::6' });
    const shown = await run('nsenter', [...inHolder, 'ip', 'addr']);
    for (const part of [ENI.mac, 'inet 10.98.0.6/24', 'inet6 fd98::6/64', 'inet6 ::1/128'])
      expect(shown).toContain(part);
    using _ = servePorts(netns(), 'app', 'tcp:8000');
    const answer = () => fetchFrom(instance.host.outside, ENI.ipv4, 8000);
    expect(await until(answer, { what: 'the task answers' })).toMatch(/^app to /);
    expect(await fetchFrom(netns(), '169.254.170.2', 80)).toBe(taskIdOf(task.arn));
    await network.removeTaskNetwork(task);
    await network.close();
  });

  test('gives its ENI back though the container has died, with the agent or without it (NET-50, NET-51)', async () => {
    const first = await open(running());
    await ensure(first, task);
    await first.close();
    holder.kill('SIGKILL');
    await until(() => !existsSync(`/proc/${pid()}/ns`), { what: 'the holder is gone' });
    const next = await open({ state: 'absent' });
    expect(await fetchFrom(netns(), '169.254.170.2', 80)).toBe(taskIdOf(task.arn));
    expect(await onHost()).toBe(false);
    await next.releaseTaskNetwork(task);
    expect(await onHost()).toBe(true);
    expect(existsSync(`/run/netns/${netns()}`)).toBe(false);
    await next.close();
  });

  test('is not made of what is not certain to be the holder (NET-47)', async () => {
    const exit = { exitCode: 0, exitedAt: 0, oomKilled: false };
    const cases: readonly [readonly ContainerObservation[], RegExp][] = [
      [[{ state: 'created' }], /holds the network namespace of the task is created/],
      // Its number may have been another process's when that was looked at.
      [[running(), { state: 'exited', exit }], /is exited/],
      [[running(), { state: 'running', pid: process.pid }], /started again/],
      [[{ state: 'running', pid: 0x3f_ff_ff }], /has no process 4194303 here/],
      [[{ state: 'running', pid: process.pid }], /is the one that the agent is in/],
    ];
    for (const [observations, message] of cases) {
      const network = await open(...observations);
      await expect(ensure(network, task)).rejects.toMatchObject({
        code: 'ContainerNetworkingError',
        message: expect.stringMatching(message),
      });
      expect(existsSync(`/run/netns/${netns()}`)).toBe(false);
      await network.close();
    }
    expect(await onHost()).toBe(true);
  });

  test('waits for a runtime that does not answer, and then goes on', async () => {
    const away = new RuntimeUnavailableError('dockerd does not answer');
    const network = await open(away, running());
    await expect(ensure(network, task)).rejects.toBe(away);
    await ensure(network, task);
    expect(await onHost()).toBe(false);
    await network.removeTaskNetwork(task);
    await network.close();
  });
});
