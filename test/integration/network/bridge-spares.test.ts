import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { renameNetworkNamespace } from '../../../src/host/netns.ts';
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

const SPARES = { SPARES: '2' };
const [first, web, other] = [container('first'), container('web', [tcp(80, 8080)]), container('other')];

const ip = (target: TestContainer, ...args: readonly string[]) =>
  run('ip', ['-n', stage.netnsOf(target), ...args]);

/** A network whose first container has come up, and whose spares have been made after it. */
async function withSpares(): Promise<BridgeProcess> {
  const bridge = await stage.start(SPARES);
  await bridge.ensure(first);
  await spares(2);
  return bridge;
}

/** What is written down of spares, when that many are whole. */
async function spares(count: number) {
  const files = await until(
    () => {
      const whole = stage.spares();
      return whole.length === count && whole;
    },
    { what: `${count} spares are whole` },
  );
  return files.map((file) => JSON.parse(readFileSync(file, 'utf8')));
}

const namespaces = () =>
  readdirSync('/run/netns').filter((name) => /-[0-9a-f]{64}$/.test(name) && name.startsWith(stage.namespace));

async function answers(): Promise<void> {
  await until(() => stage.fetch(stage.host.outside, HOST.inside4, 8080), { what: 'the port answers' });
}

async function nothingRemains(bridge: BridgeProcess): Promise<void> {
  for (const target of [first, web, other]) {
    await bridge.release(target);
    await bridge.removeTask(target);
  }
  await bridge.close();
  expect(await stage.remains()).toEqual([]);
}

describe('spare networks', () => {
  test('are made after the first container, and a container that takes one has it under its own name', async () => {
    const bridge = await stage.start(SPARES);
    expect(namespaces()).toEqual([]);
    await bridge.ensure(first);
    const ready = await spares(2);
    expect(namespaces()).toHaveLength(3);
    const { addresses, mounts } = await bridge.prepare(web);
    expect(ready.map(({ address4 }) => address4)).toContain(addresses?.ipv4);
    // Before anything is completed.
    expect(await ip(web, '-br', '-4', 'addr', 'show', 'dev', 'eth0')).toContain(`${addresses?.ipv4}/16`);
    const hosts = mounts.find(({ destination }) => destination === '/etc/hosts')?.source ?? '';
    expect(readFileSync(hosts, 'utf8')).toContain(`${addresses?.ipv4}\t`);
    await bridge.complete(web);
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await answers();
    expect(await ip(web, 'route')).toContain('default via 172.17.0.1 dev eth0');
    await spares(2);
    expect(namespaces()).toHaveLength(4);
    await nothingRemains(bridge);
  });

  test('give no address twice, nor take one from a container that comes up side by side', async () => {
    const bridge = await withSpares();
    const many = Array.from({ length: 12 }, (_, index) => container(`c${index}x`, [tcp(80)]));
    const networks = await Promise.all(many.map((one) => bridge.ensure(one)));
    const ready = await spares(2);
    const all = [...networks.map(({ addresses }) => addresses?.ipv4), ...ready.map((one) => one.address4)];
    expect(new Set(all).size).toBe(14);
    for (const one of many) await bridge.removeTask(one);
    await nothingRemains(bridge);
  });

  test('outlive a killed agent: the next one goes on with them and with whoever has taken one', async () => {
    const bridge = await withSpares();
    await bridge.ensure(web);
    const before = await spares(2);
    await bridge.kill();
    const again = await stage.start(SPARES);
    await again.sweep(first, web);
    expect(await spares(2)).toEqual(before);
    expect(namespaces()).toHaveLength(4);
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await answers();
    const { addresses } = await again.ensure(other);
    expect(before.map(({ address4 }) => address4)).toContain(addresses?.ipv4);
    await nothingRemains(again);
  });

  test('are taken down when their container is swept', async () => {
    const bridge = await withSpares();
    await bridge.ensure(web);
    await bridge.kill();
    const again = await stage.start();
    await again.sweep(first);
    expect(namespaces()).not.toContain(stage.netnsOf(web));
    await nothingRemains(again);
  });

  test('that have lost namespace or link are given to nobody, and are replaced', async () => {
    const bridge = await withSpares();
    const [one, two] = await spares(2);
    await run('ip', ['netns', 'del', `${stage.namespace}-${one.id}`]);
    await stage.host.run('ip', 'link', 'set', two.hostEnd, 'nomaster');
    const { addresses } = await bridge.ensure(web);
    expect([one.address4, two.address4]).not.toContain(addresses?.ipv4);
    await until(async () => (await spares(2)).every(({ id }) => id !== one.id && id !== two.id), {
      what: 'others are there',
    });
    await nothingRemains(bridge);
  });

  test('that cannot be made are told, and containers go on without', async () => {
    const plugins = stage.scratch.path('plugins');
    await run('mkdir', [plugins]);
    symlinkSync('/usr/lib/cni/bridge', `${plugins}/bridge`);
    const bridge = await stage.start({ ...SPARES, PLUGINS: plugins });
    await bridge.ensure(first);
    await spares(2);
    rmSync(`${plugins}/bridge`);
    await bridge.ensure(web);
    await until(() => bridge.warnings.length > 0, { what: 'a warning' });
    expect(bridge.warnings[0]).toBe('no spare networks: containers wait for theirs');
    using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
    await answers();
    symlinkSync('/usr/lib/cni/bridge', `${plugins}/bridge`);
    await bridge.ensure(other);
    await spares(2);
    await nothingRemains(bridge);
  });

  test.each([
    ['the old name', (spare: string, own: string) => void renameNetworkNamespace(own, spare)],
    [
      'both names',
      (spare: string, own: string) => run('sh', ['-c', `touch ${spare} && mount --bind ${own} ${spare}`]),
    ],
  ])(
    'that were being taken when the agent died are theirs who took them: namespace under %s',
    async (_what, goBack) => {
      const bridge = await withSpares();
      const files = new Map(stage.spares().map((file) => [file, readFileSync(file)]));
      const { addresses } = await bridge.prepare(web);
      await bridge.kill();
      const record = JSON.parse(
        readFileSync(stage.scratch.path('run', 'network', 'containers', `${web.id}.json`), 'utf8'),
      );
      for (const [file, text] of files) if (file.includes(record.spare.id)) writeFileSync(file, text);
      await goBack(`/run/netns/${stage.namespace}-${record.spare.id}`, `/run/netns/${stage.netnsOf(web)}`);
      const again = await stage.start(SPARES);
      await again.sweep(first, web);
      expect((await again.ensure(web)).addresses).toEqual(addresses);
      expect(namespaces()).not.toContain(`${stage.namespace}-${record.spare.id}`);
      using _server = servePorts(stage.netnsOf(web), 'web', 'tcp:80');
      await answers();
      await spares(2);
      await nothingRemains(again);
    },
  );
});

test('a link is gone at the end although a process holds its namespace', async () => {
  const bridge = await withSpares();
  await bridge.ensure(web);
  const holder = spawn('ip', ['netns', 'exec', stage.netnsOf(web), 'sleep', '60'], { stdio: 'ignore' });
  try {
    await until(async () => (await run('ip', ['netns', 'pids', stage.netnsOf(web)])).trim() !== '', {
      what: 'the process is in the namespace',
    });
    await nothingRemains(bridge);
  } finally {
    holder.kill('SIGKILL');
  }
});

/* The first container runs a dozen programs, every spare one. */
const deaths = Array.from({ length: 6 }, (_, index) => index + 11).flatMap((nth) => [
  ['KILL_AT', nth] as const,
  ['KILL_AFTER', nth] as const,
]);
const seed = testSeed();

test.each(sampleOf(deaths, 4, seed))(
  `%s %i while spares are made leaves nothing that is not known (ECS_TEST_SEED=${seed}) (NET-51)`,
  async (kind, nth) => {
    const bridge = stage.launch({ ...SPARES, [kind]: String(nth) });
    const ended = Promise.race([bridge.ended, spares(2)]);
    await bridge.ready.then(() => bridge.ensure(first)).catch(() => undefined);
    await ended;
    await bridge.kill();
    const again = await stage.start(SPARES);
    await again.sweep(first);
    await again.ensure(first);
    const ready = await spares(2);
    expect(namespaces().toSorted()).toEqual(
      [stage.netnsOf(first), ...ready.map(({ id }) => `${stage.namespace}-${id}`)].toSorted(),
    );
    await nothingRemains(again);
  },
);
