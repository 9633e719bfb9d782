import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AwsvpcNetwork } from '../../../src/network/awsvpc/awsvpc-network.ts';
import { BridgeLocalRoutes } from '../../../src/network/awsvpc/bridge-local-routes.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { type PlayedEni, PlayedInstance, VPC } from '../../support/instance.ts';
import { fetchFrom, HOST, servePorts } from '../../support/network-host.ts';
import { type RunResult, tryRun } from '../../support/run.ts';
import { until } from '../../support/until.ts';
import { awsvpcTask, CNI_DIRECTORIES, eniOf, ensure, inTask, netnsOf, openAwsvpc } from './awsvpc-stage.ts';

const CHILD = fileURLToPath(new URL('awsvpc-child.ts', import.meta.url));
const ONE: PlayedEni = { name: 'ens6', mac: '0e:00:00:00:00:06', ipv4: '10.98.0.6', ipv6: 'fd98::6' };
const TWO: PlayedEni = { name: 'ens7', mac: '0e:00:00:00:00:07', ipv4: '10.98.0.7', ipv6: 'fd98::7' };
/** Of the host's own network, to which the VPC knows no way. */
const DESTINATION = '10.99.0.0/24';
/** More changes than any call makes. */
const MANY = 60;

let instance: PlayedInstance;
let visit: Disposable;
let instances = 0;
beforeEach(async () => {
  instances += 1;
  instance = await PlayedInstance.create(`l${instances}`);
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

const runDir = () => instance.scratch.path('run');
const open = (destinations: readonly string[] = [DESTINATION]): Promise<AwsvpcNetwork> => {
  const namespace = instance.host.name;
  const options = { runDir: runDir(), namespace, pluginDirectories: CNI_DIRECTORIES, destinations };
  return openAwsvpc(namespace, runDir(), { localRoutes: new BridgeLocalRoutes(options) });
};
const netns = (task: TaskSpec) => netnsOf(instance.host.name, task);
const within = (task: TaskSpec, program: string, ...args: readonly string[]) =>
  inTask(instance.host.name, task, program, ...args);

/** Nothing of the task is left: its ENI is on the host, down, and there is no bridge. */
async function expectClean(task: TaskSpec): Promise<void> {
  const links = await instance.links();
  expect(links).toMatch(new RegExp(` ${ONE.name}@.*state DOWN.*${ONE.mac}`));
  expect(links).not.toMatch(/ecsb-|veth/);
  expect(readdirSync('/run/netns')).not.toContain(netns(task));
  expect(readdirSync(runDir(), { recursive: true }).filter((path) => path !== 'tasks')).toEqual([]);
}

describe('additional local routes', () => {
  test('lead to the host by a link of their own (NET-37, NET-39, NET-87)', async () => {
    const network = await open();
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(network, task);
    const address = await within(task, 'ip', '-o', 'addr', 'show', 'dev', 'ecs-eth0');
    expect(address).toContain('inet 169.254.172.2/22');
    const mac = /ether (\S+)/.exec(await within(task, 'ip', 'link', 'show', 'dev', 'ecs-eth0'))?.[1];
    expect(mac).toMatch(/^[0-9a-f:]{17}$/);
    expect(await within(task, 'ip', 'route', 'get', HOST.inside4)).toContain(
      'via 169.254.172.1 dev ecs-eth0',
    );
    expect(await within(task, 'ip', 'route')).toContain(`default via ${VPC.router4} dev eth0`);
    using _ = servePorts(instance.host.name, 'host', 'tcp:8000');
    const fetched = () => fetchFrom(netns(task), HOST.inside4, 8000);
    expect(await until(fetched, { what: 'the host answers' })).toBe('host to 169.254.172.2');
    expect(await fetchFrom(netns(task), '169.254.170.2', 80)).toBeDefined();

    const again = await open();
    await ensure(again, task);
    const still = /ether (\S+)/.exec(await within(task, 'ip', 'link', 'show', 'dev', 'ecs-eth0'))?.[1];
    expect(still).toBe(mac);
    await again.removeTaskNetwork(task);
    await again.close();
    await expectClean(task);
  });

  test('do not lead from task to task (NET-38, NET-89)', async () => {
    await instance.plug(TWO);
    const network = await open();
    const [one, two] = [awsvpcTask('a1', eniOf(ONE)), awsvpcTask('a2', eniOf(TWO))];
    await ensure(network, one);
    await ensure(network, two);
    expect(await within(two, 'ip', '-o', 'addr', 'show', 'dev', 'ecs-eth0')).toContain('169.254.172.3/22');
    const routes = await within(one, 'ip', 'route', 'show', 'dev', 'ecs-eth0');
    expect(routes).toMatch(/^169\.254\.172\.1 proto static scope link/m);
    expect(routes).not.toContain('169.254.172.0/22');
    using _ = servePorts(netns(two), 'two', 'tcp:8000');
    await until(() => fetchFrom(netns(two), '169.254.172.3', 8000), { what: 'the other task serves' });
    expect(await fetchFrom(netns(one), '169.254.172.3', 8000)).toBeUndefined();
    await network.removeTaskNetwork(one);
    await network.removeTaskNetwork(two);
    await network.close();
    await expectClean(one);
  });

  test('are not there when none are configured, and go with the task when they no longer are', async () => {
    const without = await open([]);
    const task = awsvpcTask('a1', eniOf(ONE));
    await ensure(without, task);
    expect(await within(task, 'ip', '-o', 'link')).not.toContain('ecs-eth0');
    await without.removeTaskNetwork(task);
    const network = await open();
    await ensure(network, task);
    const later = await open([]);
    await later.removeTaskNetwork(task);
    await later.close();
    await expectClean(task);
  });
});

describe('an agent that is killed before any change that it makes of the host', () => {
  const killedAt = async (action: string, task: TaskSpec, nth: number): Promise<RunResult> =>
    await tryRun(process.execPath, [CHILD], {
      env: {
        ACTION: action,
        TASK: JSON.stringify(task),
        NAMESPACE: instance.host.name,
        RUN_DIR: runDir(),
        DESTINATION,
        KILL_AT: String(nth),
      },
    });

  test('while it sets up a task: the next completes it or takes it down (NET-51, NET-47)', async () => {
    let kills = 0;
    for (let nth = 1; nth < MANY; nth += 1) {
      const task = awsvpcTask(`a${nth}`, eniOf(ONE));
      const { exitCode, stderr } = await killedAt('ensure', task, nth);
      if (exitCode === 0) break;
      expect({ exitCode, stderr }).toEqual({ exitCode: null, stderr: '' });
      kills += 1;
      const network = await open();
      if (nth % 2 === 0)
        await network.removeLeftovers({ knowsContainer: () => false, knowsTask: () => false });
      else {
        await ensure(network, task);
        expect(await within(task, 'ip', 'route')).toContain(`default via ${VPC.router4} dev eth0`);
        expect(await within(task, 'ip', 'route')).toContain(`${DESTINATION} via 169.254.172.1 dev ecs-eth0`);
      }
      await network.removeTaskNetwork(task);
      await network.close();
      await expectClean(task);
    }
    expect(kills).toBeGreaterThan(8);
    expect(kills).toBeLessThan(MANY - 1);
  }, 180_000);

  test('while it takes a task down: the next does it (NET-49, NET-50)', async () => {
    let kills = 0;
    for (let nth = 1; nth < MANY; nth += 1) {
      const task = awsvpcTask(`b${nth}`, eniOf(ONE));
      await ensure(await open(), task);
      const { exitCode, stderr } = await killedAt('remove', task, nth);
      if (exitCode === 0) break;
      expect({ exitCode, stderr }).toEqual({ exitCode: null, stderr: '' });
      kills += 1;
      const network = await open();
      await network.removeTaskNetwork(task);
      await network.close();
      await expectClean(task);
    }
    expect(kills).toBeGreaterThan(2);
    expect(kills).toBeLessThan(MANY - 1);
  }, 180_000);
});
