import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { HostNetwork } from '../../../src/network/host-network.ts';
import type { ContainerNetwork } from '../../../src/network/network.ts';
import { containerIdOf, taskIdOf } from '../../../src/task/ids.ts';
import type { ContainerOptions, NetworkMode, TaskSpec } from '../../../src/task/task-spec.ts';
import { arnOf, sampleContainerSpec, sampleTask } from '../store/sample-task.ts';

let directory: string;
let network: HostNetwork;
const HOSTS = '127.0.0.1 localhost\n192.0.2.1 db\n';
const RESOLV =
  'search corp.example\nnameserver 192.0.2.53 # a comment\nnameserver 2001:db8::53\noptions ndots:2\n';
const id = containerIdOf(arnOf('t1'), 'app', 0);
const { signal } = new AbortController();

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ecs-test-network-'));
  network = new HostNetwork({
    runDir: join(directory, 'run'),
    hostRoot: join(directory, 'host'),
    hostname: () => 'machine',
  });
  writeHost('etc/hosts', HOSTS);
  writeHost('etc/resolv.conf', RESOLV);
  writeHost('proc/sys/net/ipv6/conf/all/disable_ipv6', '0\n');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function writeHost(path: string, content: string): void {
  const file = join(directory, 'host', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const taskOf = (networkMode: NetworkMode): TaskSpec => ({ ...sampleTask('t1').spec, networkMode });

async function ensure(
  networkMode: NetworkMode,
  options: Partial<ContainerOptions> = {},
): Promise<ContainerNetwork> {
  const spec = sampleContainerSpec('app');
  const container = { ...spec, options: { ...spec.options, ...options } };
  return await network.prepareContainerNetwork(taskOf(networkMode), container, { id, signal });
}

/** What the container sees at that path. */
function seen({ mounts }: ContainerNetwork, path: string): string {
  const mount = mounts.find(({ destination }) => destination === path);
  return readFileSync(mount?.source ?? '', 'utf8');
}

describe('host mode', () => {
  test("shares the host's network and name, with copies of the host's files (NET-63)", async () => {
    const made = await ensure('host');
    expect(made).toMatchObject({ namespace: { kind: 'host' }, hostname: 'machine' });
    expect(made.mounts.map(({ destination }) => destination)).toEqual([
      '/etc/hosts',
      '/etc/hostname',
      '/etc/resolv.conf',
    ]);
    expect(seen(made, '/etc/hosts')).toBe(HOSTS);
    expect(seen(made, '/etc/hostname')).toBe('machine\n');
    expect(seen(made, '/etc/resolv.conf')).toBe(RESOLV);
  });

  test('keeps the stub resolver, which answers in the network of the host', async () => {
    writeHost('etc/resolv.conf', 'nameserver 127.0.0.53\n');
    expect(seen(await ensure('host'), '/etc/resolv.conf')).toBe('nameserver 127.0.0.53\n');
  });

  test('takes the name, the extra hosts and the servers that the task names', async () => {
    const made = await ensure('host', {
      hostname: 'own',
      extraHosts: ['db:198.51.100.7', 'six:2001:db8::7', 'bracketed:[2001:db8::8]'],
      dns: ['198.51.100.53'],
      dnsSearch: ['a.example', 'b.example'],
    });
    expect(made.hostname).toBe('own');
    expect(seen(made, '/etc/hostname')).toBe('own\n');
    expect(seen(made, '/etc/hosts').split('\n')).toEqual(
      expect.arrayContaining([
        '127.0.0.1\tlocalhost',
        '198.51.100.7\tdb',
        '2001:db8::7\tsix',
        '2001:db8::8\tbracketed',
      ]),
    );
    expect(seen(made, '/etc/hosts')).not.toContain('192.0.2.1');
    expect(seen(made, '/etc/resolv.conf')).toBe(
      'search a.example b.example\nnameserver 198.51.100.53\noptions ndots:2\n',
    );
  });

  test("keeps the host's servers where the task names only a search list", async () => {
    expect(seen(await ensure('host', { dnsSearch: ['a.example'] }), '/etc/resolv.conf')).toBe(
      'search a.example\nnameserver 192.0.2.53\nnameserver 2001:db8::53\noptions ndots:2\n',
    );
  });

  test('does with a host that lacks the files', async () => {
    rmSync(join(directory, 'host/etc'), { recursive: true });
    const made = await ensure('host');
    expect([seen(made, '/etc/hosts'), seen(made, '/etc/resolv.conf')]).toEqual(['', '']);
  });
});

describe('none mode', () => {
  test('has a namespace of its own and the first 12 digits of the id as its name (NET-21)', async () => {
    const made = await ensure('none');
    expect(made).toMatchObject({ namespace: { kind: 'isolated' }, hostname: id.slice(0, 12) });
    expect(seen(made, '/etc/hostname')).toBe(`${id.slice(0, 12)}\n`);
    expect(seen(made, '/etc/hosts')).toBe(
      [
        '127.0.0.1\tlocalhost',
        '::1\tlocalhost ip6-localhost ip6-loopback',
        'fe00::0\tip6-localnet',
        'ff00::0\tip6-mcastprefix',
        'ff02::1\tip6-allnodes',
        'ff02::2\tip6-allrouters',
        '',
      ].join('\n'),
    );
  });

  test('has no IPv6 lines and servers where IPv6 is off', async () => {
    writeHost('proc/sys/net/ipv6/conf/all/disable_ipv6', '1\n');
    const made = await ensure('none', { hostname: 'own.example.com', extraHosts: ['db:198.51.100.7'] });
    expect(seen(made, '/etc/hosts')).toBe('127.0.0.1\tlocalhost\n198.51.100.7\tdb\n');
    expect(seen(made, '/etc/resolv.conf')).toBe(
      'search corp.example\nnameserver 192.0.2.53\noptions ndots:2\n',
    );
  });

  test.each([
    ['loopback servers', 'nameserver 127.0.0.1\nnameserver ::1\nnameserver 192.0.2.9\n', ['192.0.2.9']],
    ['the stub resolver among others', 'nameserver 127.0.0.53\nnameserver 192.0.2.9\n', ['192.0.2.9']],
    [
      'all servers, when they are loopback',
      'nameserver 127.0.0.1\n',
      ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'],
    ],
  ])('drops %s of the host (NET-19)', async (_, hostFile, servers) => {
    writeHost('etc/resolv.conf', hostFile);
    expect(seen(await ensure('none'), '/etc/resolv.conf')).toBe(
      servers.map((s) => `nameserver ${s}\n`).join(''),
    );
  });

  test("takes systemd-resolved's own servers in place of its stub (NET-77)", async () => {
    writeHost('etc/resolv.conf', 'nameserver 127.0.0.53\noptions edns0\n');
    writeHost('run/systemd/resolve/resolv.conf', 'nameserver 192.0.2.77\nsearch up.example\n');
    expect(seen(await ensure('none'), '/etc/resolv.conf')).toBe('search up.example\nnameserver 192.0.2.77\n');
  });

  test('has no search list when the task names "." alone', async () => {
    expect(seen(await ensure('none', { dnsSearch: ['.'], dns: ['192.0.2.1'] }), '/etc/resolv.conf')).toBe(
      'nameserver 192.0.2.1\noptions ndots:2\n',
    );
  });
});

test.each(['db', ':192.0.2.1', 'db:', 'db:host-gateway', 'db:1.2.3'])(
  'refuses the extra host "%s" with a HostConfigError that names it',
  async (text) => {
    await expect(ensure('host', { extraHosts: [text] })).rejects.toMatchObject({
      code: 'HostConfigError',
      message: expect.stringContaining(`"${text}"`),
    });
  },
);

test.each([true, false])(
  'has files that are read-only if and only if the root is: %s (RES-91)',
  async (readonlyRootfs) => {
    const { mounts } = await ensure('none', { readonlyRootfs });
    expect(mounts.map(({ readonly }) => readonly)).toEqual([readonlyRootfs, readonlyRootfs, readonlyRootfs]);
  },
);

test('leaves files alone that are there, and makes those that a crash kept from being made', async () => {
  const made = await ensure('none');
  const [hosts, hostname, resolvConf] = made.mounts;
  writeFileSync(hosts?.source ?? '', 'changed by the container\n');
  rmSync(hostname?.source ?? '');
  writeFileSync(`${hostname?.source}.part`, 'half');
  writeHost('etc/resolv.conf', 'nameserver 203.0.113.1\n');
  const before = readFileSync(resolvConf?.source ?? '', 'utf8');
  expect(await ensure('none')).toEqual(made);
  expect(seen(made, '/etc/hosts')).toBe('changed by the container\n');
  expect(seen(made, '/etc/hostname')).toBe(`${id.slice(0, 12)}\n`);
  expect(seen(made, '/etc/resolv.conf')).toBe(before);
});

describe('removal', () => {
  const taskDirectory = () => join(directory, 'run/tasks', taskIdOf(arnOf('t1')));

  test('takes the files of all containers of the task, and may be repeated', async () => {
    const made = await ensure('none');
    writeFileSync(`${made.mounts[0]?.source}.part`, 'half');
    const other = containerIdOf(arnOf('t1'), 'other', 3);
    await network.prepareContainerNetwork(taskOf('none'), sampleContainerSpec('other'), {
      id: other,
      signal,
    });
    expect(readdirSync(taskDirectory()).sort()).toEqual([id, other].sort());
    await network.removeTaskNetwork(taskOf('none'));
    expect(existsSync(taskDirectory())).toBe(false);
    await network.removeTaskNetwork(taskOf('none'));
  });

  test('leaves what others keep there', async () => {
    await ensure('none');
    writeFileSync(join(taskDirectory(), id, 'other'), '');
    await network.removeTaskNetwork(taskOf('none'));
    expect(readdirSync(join(taskDirectory(), id))).toEqual(['other']);
  });
});

test.each(['bridge', 'awsvpc'] as const)(
  'refuses %s tasks with a sentence that names the mode',
  async (mode) => {
    const refusal = network.refusal(taskOf(mode));
    expect(refusal).toContain(`"${mode}"`);
    await expect(ensure(mode)).rejects.toThrow(refusal);
  },
);

test('takes host and none tasks', () => {
  expect([network.refusal(taskOf('host')), network.refusal(taskOf('none'))]).toEqual([undefined, undefined]);
});
