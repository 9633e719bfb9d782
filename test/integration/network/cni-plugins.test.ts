import { chmodSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCommand } from '../../../src/host/run-command.ts';
import { CniRunner } from '../../../src/network/cni/cni-runner.ts';
import { type PlayedEni, PlayedInstance, VPC } from '../../support/instance.ts';
import { fetchFrom, inNamespace, servePorts } from '../../support/network-host.ts';
import { type RunResult, run, tryRun } from '../../support/run.ts';
import { makeScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

const FOLDER = join(import.meta.dirname, '../../../cni');
const PLUGINS = ['ecs-eni', 'ecs-branch-eni', 'ecs-imds-block', 'ecs-onlink-trim'] as const;
const ENI: PlayedEni = {
  name: 'ens6',
  mac: '0e:00:00:00:0c:01',
  ipv4: '10.98.0.20',
  ipv6: 'fd98::20',
};
const TASK = `ecs-test-${process.pid}-cni-task`;
const NETNS = `/run/netns/${TASK}`;

let instance: PlayedInstance;
beforeAll(async () => {
  instance = await PlayedInstance.create('cni', { ipv6: true });
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await run('ip', ['netns', 'add', TASK]);
  // A test that failed has taken it along with its namespace.
  if (!(await onHost()).includes(ENI.name)) await instance.plug(ENI);
});
afterEach(async () => {
  await tryRun('ip', ['netns', 'del', TASK]);
});

const eniConfig = (changes: object = {}) => ({
  cniVersion: '1.1.0',
  name: 'ecs-eni',
  type: 'ecs-eni',
  mac: ENI.mac,
  addresses: [`${ENI.ipv4}/24`, `${ENI.ipv6}/64`],
  gateways: [VPC.router4],
  ...changes,
});

const errorSchema = z.object({
  cniVersion: z.string(),
  code: z.int(),
  msg: z.string(),
  details: z.string().default(''),
});

/** Runs a plugin on the played instance as a container runtime does. */
async function plugin(
  name: string,
  command: string,
  config: object | string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const [program, args] = inNamespace(instance.host.name, join(FOLDER, name));
  return await tryRun(program, args, {
    input: typeof config === 'string' ? config : JSON.stringify(config),
    env: {
      CNI_COMMAND: command,
      CNI_CONTAINERID: 'pause-1',
      CNI_NETNS: NETNS,
      CNI_IFNAME: 'eth0',
      CNI_PATH: FOLDER,
      ...env,
    },
  });
}

async function succeeded(...args: Parameters<typeof plugin>): Promise<string> {
  const { exitCode, stdout, stderr } = await plugin(...args);
  expect({ exitCode, stderr, stdout: exitCode === 0 ? '' : stdout }).toEqual({
    exitCode: 0,
    stderr: '',
    stdout: '',
  });
  return stdout;
}

async function failure(...args: Parameters<typeof plugin>) {
  const { exitCode, stdout } = await plugin(...args);
  expect(exitCode).toBe(1);
  return errorSchema.parse(JSON.parse(stdout));
}

const inTask = (program: string, ...args: readonly string[]) => run(...inNamespace(TASK, program, args));
const onHost = async () => await instance.links();

describe('every plugin', () => {
  it.each(PLUGINS)('tells the versions that it speaks: %s', async (name) => {
    expect(JSON.parse(await succeeded(name, 'VERSION', { cniVersion: '1.1.0' }))).toEqual({
      cniVersion: '1.1.0',
      supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
    });
    for (const command of ['STATUS', 'GC'])
      expect(await succeeded(name, command, { cniVersion: '1.1.0', name: 'n' })).toBe('');
  });

  it.each([
    ['another version', 'ADD', eniConfig({ cniVersion: '0.2.0' }), {}, 1, /"0\.2\.0".*0\.3\.0/],
    ['an unknown command', 'PLAY', eniConfig(), {}, 4, /CNI_COMMAND is "PLAY"/],
    ['no namespace', 'ADD', eniConfig(), { CNI_NETNS: '/run/netns/none' }, 4, /no network namespace/],
    ['its own namespace', 'ADD', eniConfig(), { CNI_NETNS: '/proc/self/ns/net' }, 4, /CNI_NETNS_OVERRIDE/],
    ['a name of a link that is none', 'ADD', eniConfig(), { CNI_IFNAME: 'a/b' }, 4, /CNI_IFNAME is "a\/b"/],
    ['no container', 'ADD', eniConfig(), { CNI_CONTAINERID: '' }, 4, /CNI_CONTAINERID/],
    ['what is no JSON', 'ADD', 'eni', {}, 6, /no configuration/],
    ['no MAC address', 'ADD', eniConfig({ mac: 'eth1' }), {}, 7, /mac: a MAC address is six/],
    ['an address alone', 'ADD', eniConfig({ addresses: ['10.0.0.1'] }), {}, 7, /addresses\.0: .*prefix/],
  ] as const)('says what is wrong with %s', async (_what, command, config, env, code, text) => {
    const error = await failure('ecs-eni', command, config, env);
    expect(error.code).toBe(code);
    expect(`${error.msg} ${error.details}`).toMatch(text);
    expect(await onHost()).toContain(ENI.name);
  });

  it('is found by the name that it is called by, with a Node that is new enough', async () => {
    await using scratch = makeScratch();
    const [bin, nodes] = [scratch.path('bin'), scratch.path('nodes')];
    for (const path of [bin, nodes]) mkdirSync(path);
    copyFileSync(join(FOLDER, 'launch'), join(bin, 'launch'));
    symlinkSync('launch', join(bin, 'ecs-eni'));
    const call = (name: string, env: Readonly<Record<string, string>>) =>
      tryRun(join(bin, name), [], { env: { CNI_COMMAND: 'VERSION', ...env }, input: '{}' });
    expect(errorSchema.parse(JSON.parse((await call('launch', {})).stdout)).msg).toMatch(
      /^launch is no plugin of/,
    );
    mkdirSync(join(bin, 'plugins'));
    writeFileSync(join(bin, 'plugins/ecs-eni.ts'), 'const word: string = "ran"; console.log(word);');
    const node = (version: string) => {
      writeFileSync(join(nodes, 'node'), `#!/bin/sh\n[ "$1" = -p ] && echo ${version} || echo "ran $*"\n`);
      chmodSync(join(nodes, 'node'), 0o755);
    };
    const PATH = `${nodes}:/usr/bin:/bin`;
    node('18');
    expect(errorSchema.parse(JSON.parse((await call('ecs-eni', { PATH })).stdout))).toMatchObject({
      code: 999,
      msg: `${nodes}/node is Node.js 18`,
      details: 'ecs-eni needs 24 or newer; set ECS_CNI_NODE',
    });
    node('26');
    expect((await call('ecs-eni', { PATH })).stdout).toMatch(
      new RegExp(`^ran .* ${bin}/plugins/ecs-eni.ts\n$`),
    );
    expect((await call('ecs-eni', { PATH: '/usr/bin:/bin', ECS_CNI_NODE: process.execPath })).stdout).toBe(
      'ran\n',
    );
  });
});

describe('ecs-eni', () => {
  it('takes the ENI into the namespace, as often as it is asked, and gives it back (NET-36, NET-85, NET-49)', async () => {
    const result = {
      cniVersion: '1.1.0',
      interfaces: [{ name: 'eth0', mac: ENI.mac, mtu: 1500, sandbox: NETNS }],
      ips: [
        { address: `${ENI.ipv4}/24`, gateway: VPC.router4, interface: 0 },
        { address: `${ENI.ipv6}/64`, interface: 0 },
      ],
      routes: [{ dst: '0.0.0.0/0', gw: VPC.router4 }],
    };
    for (let times = 0; times < 2; times += 1)
      expect(JSON.parse(await succeeded('ecs-eni', 'ADD', eniConfig()))).toEqual(result);
    expect(await onHost()).not.toContain(`${ENI.name}:`);
    expect(await inTask('ip', 'route', 'show', 'default')).toMatch(new RegExp(`via ${VPC.router4} dev eth0`));
    expect(await fetchFrom(TASK, VPC.imds, 80)).toBeDefined();
    expect(await succeeded('ecs-eni', 'CHECK', { ...eniConfig(), prevResult: result })).toBe('');

    await inTask('ip', 'addr', 'del', `${ENI.ipv4}/24`, 'dev', 'eth0');
    expect(await failure('ecs-eni', 'CHECK', { ...eniConfig(), prevResult: result })).toMatchObject({
      code: 101,
      details: `it has no address ${ENI.ipv4}/24; there is no default route via ${VPC.router4}`,
    });
    for (let times = 0; times < 2; times += 1) await succeeded('ecs-eni', 'DEL', eniConfig());
    expect(await onHost()).toContain(`${ENI.name}@`);
    expect(await inTask('ip', '-o', 'link')).not.toContain(ENI.mac);
    await succeeded('ecs-eni', 'DEL', eniConfig(), { CNI_NETNS: '' });
    await succeeded('ecs-eni', 'DEL', eniConfig(), { CNI_NETNS: '/run/netns/gone' });
  });

  it('blocks instance metadata when it is told to (NET-40)', async () => {
    const config = eniConfig({ blockInstanceMetadata: true, mtu: 1400 });
    const added = JSON.parse(await succeeded('ecs-eni', 'ADD', config));
    expect(added).toMatchObject({ interfaces: [{ mtu: 1400 }] });
    expect(await inTask('ip', 'route')).toContain('blackhole 169.254.169.254');
    expect(await inTask('ip', '-6', 'route')).toContain('blackhole fd00:ec2::254');
    await inTask('ip', 'route', 'del', 'blackhole', '169.254.169.254');
    const error = await failure('ecs-eni', 'CHECK', { ...config, prevResult: added });
    expect(error.details).toBe('169.254.169.254/32 is not blocked');
    await succeeded('ecs-eni', 'DEL', config);
  });

  it('speaks older versions with the addresses that they have', async () => {
    const config = eniConfig({ cniVersion: '0.3.1' });
    expect(JSON.parse(await succeeded('ecs-eni', 'ADD', config)).ips).toEqual([
      { version: '4', address: `${ENI.ipv4}/24`, gateway: VPC.router4, interface: 0 },
      { version: '6', address: `${ENI.ipv6}/64`, interface: 0 },
    ]);
    await succeeded('ecs-eni', 'DEL', config);
  });

  it('asks to be tried again when the ENI is not there, and leaves it where it was when its name is taken', async () => {
    const missing = await failure('ecs-eni', 'ADD', eniConfig({ mac: '0e:00:00:00:0c:99' }));
    expect(missing).toMatchObject({ code: 11, msg: expect.stringContaining('0e:00:00:00:0c:99') });
    await inTask('ip', 'link', 'add', 'eth0', 'type', 'bridge');
    const taken = await failure('ecs-eni', 'ADD', eniConfig());
    expect(taken).toMatchObject({ code: 100, msg: expect.stringContaining('eth0') });
    expect(await onHost()).toContain(`${ENI.name}@`);
  });
});

describe('in a list with other plugins', () => {
  it('ecs-onlink-trim leaves only the gateway on the link of a bridge (NET-38, NET-89)', async () => {
    await using scratch = makeScratch();
    using _ = instance.host.enter();
    const runner = new CniRunner({
      pluginDirectories: [FOLDER, '/opt/cni/bin', '/usr/lib/cni'],
      cacheDirectory: scratch.path('results'),
      run: runCommand,
    });
    const attachment = { containerId: 'pause-1', netns: NETNS, ifName: 'ecs-eth0' };
    const config = {
      cniVersion: '1.0.0',
      name: 'ecs-tmds',
      plugins: [
        {
          type: 'bridge',
          bridge: 'br0',
          isGateway: true,
          ipam: {
            type: 'host-local',
            dataDir: scratch.path('ipam'),
            ranges: [[{ subnet: '169.254.172.0/22', gateway: '169.254.172.1' }]],
            routes: [{ dst: '10.77.0.0/16' }],
          },
        },
        { type: 'ecs-onlink-trim' },
        { type: 'ecs-imds-block' },
      ],
    };
    const { signal } = new AbortController();
    const result = await runner.ensureAttached(config, attachment, { signal });
    expect(result.ips).toMatchObject([{ address: '169.254.172.2/22', gateway: '169.254.172.1' }]);
    expect(result.interfaces.map(({ name }) => name)).toContain('ecs-eth0');
    const routes = await inTask('ip', 'route');
    expect(routes).toContain('10.77.0.0/16 via 169.254.172.1 dev ecs-eth0');
    expect(routes).toMatch(/^169\.254\.172\.1 dev ecs-eth0 .*scope link/m);
    expect(routes).toContain('blackhole 169.254.169.254');
    expect(routes).not.toContain('169.254.172.0/22');
    using _server = servePorts(instance.host.name, 'host', 'tcp:8080');
    await until(async () => (await fetchFrom(TASK, '169.254.172.1', 8080)) !== undefined, {
      what: 'the gateway is reached',
    });

    await runner.ensureAttached(config, attachment, { signal });
    await inTask('ip', 'route', 'add', '169.254.172.0/22', 'dev', 'ecs-eth0');
    await runner.ensureAttached(config, attachment, { signal });
    expect(await inTask('ip', 'route')).not.toContain('169.254.172.0/22');
    await runner.detach({ network: 'ecs-tmds', containerId: 'pause-1', ifName: 'ecs-eth0' });
    expect(await inTask('ip', '-o', 'link')).not.toContain('ecs-eth0');
    await run('ip', ['link', 'del', 'br0']);
  });

  it('ecs-onlink-trim says that it belongs behind another', async () => {
    const config = { cniVersion: '1.0.0', name: 'n', type: 'ecs-onlink-trim' };
    expect(await failure('ecs-onlink-trim', 'ADD', config)).toMatchObject({
      code: 7,
      msg: expect.stringContaining('no prevResult'),
    });
  });
});

describe('ecs-branch-eni', () => {
  const config = {
    ...eniConfig({ type: 'ecs-branch-eni', mac: '0e:00:00:00:0c:02' }),
    trunkMac: ENI.mac,
    vlanId: 101,
  };

  it('asks to be tried again when there is no trunk, and wants a vlan that can be', async () => {
    const missing = await failure('ecs-branch-eni', 'ADD', { ...config, trunkMac: '0e:00:00:00:0c:99' });
    expect(missing).toMatchObject({
      code: 11,
      msg: expect.stringMatching(/0e:00:00:00:0c:99 of the trunk ENI/),
    });
    const wrong = await failure('ecs-branch-eni', 'ADD', { ...config, vlanId: 5_000 });
    expect(wrong).toMatchObject({ code: 7, details: expect.stringMatching(/^vlanId: /) });
    await succeeded('ecs-branch-eni', 'DEL', config);
  });
});
