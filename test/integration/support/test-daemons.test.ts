import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { startContainerd } from '../../support/containerd.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { importTestImage } from '../../support/import-image.ts';
import { leakCheck } from '../../support/leak-check.ts';
import { isAlive, processesRootedIn, shimProcesses } from '../../support/processes.ts';
import { pushTestImage } from '../../support/push-image.ts';
import { startRegistry } from '../../support/registry.ts';
import { makeScratch } from '../../support/scratch.ts';

const CGROUPS = ['/support-test'];
const IMAGE = 'docker.io/library/support:1';

describe.each(CONTAINERD_VERSIONS)('containerd %s', (version) => {
  test('is the version that was asked for', async () => {
    await using containerd = await startContainerd({ version });
    const server = (await containerd.ctr('support-test', 'version')).split('Server:')[1];
    expect(server).toContain(`Version:  ${version}.`);
  });

  test('keeps address and containers when it is killed and started again', async () => {
    await using containerd = await startContainerd({ version });
    await importTestImage(containerd, 'support-test', IMAGE);
    await containerd.ctr('support-test', 'run', '-d', '--null-io', IMAGE, 'sleeper', 'sleep', '1000');
    const before = containerd.pid;

    await containerd.kill('SIGKILL');
    expect(isAlive(before)).toBe(false);
    await containerd.restart();

    expect(containerd.pid).not.toBe(before);
    expect(await containerd.ctr('support-test', 'tasks', 'ls')).toMatch(/sleeper\s+\d+\s+RUNNING/);
  });

  test('leaves nothing behind, not even containers whose shim was killed', async () => {
    const leaks = await leakCheck({ cgroups: CGROUPS });
    const containerd = await startContainerd({ version });
    await importTestImage(containerd, 'support-test', IMAGE);
    for (const name of ['first', 'second'])
      await containerd.ctr('support-test', 'run', '-d', '--null-io', IMAGE, name, 'sleep', '1000');
    expect(processesRootedIn(containerd.rootDir)).toHaveLength(2);
    const [shim] = shimProcesses(containerd.address);
    await containerd.kill('SIGKILL');
    process.kill(shim?.pid ?? 0, 'SIGKILL');

    await containerd.stop();

    await leaks.expectNone();
    expect(existsSync(containerd.rootDir)).toBe(false);
    expect(existsSync('/run/containerd/runc/support-test')).toBe(false);
  });

  test('runs images of every compression and format as their user', async () => {
    await using containerd = await startContainerd({ version });
    // containerd 1.7 refuses the type name that Docker's schema has no zstd for.
    const kinds = [
      { compress: 'gzip', format: 'docker' },
      { compress: 'zstd', format: 'oci' },
      { compress: 'none', format: 'oci', multiArch: true },
    ] as const;
    for (const kind of kinds) {
      // By a file: ctr at times ends before it has shown the last that a container wrote.
      const entrypoint = ['sh', '-c', '{ id -un; echo $GREETING; } > /seen/by'];
      const image = { ...kind, user: 'app', env: ['GREETING=hello'], entrypoint };
      await importTestImage(containerd, 'support-test', IMAGE, image);
      await using scratch = makeScratch();
      chmodSync(scratch.directory, 0o777);
      const mount = `type=bind,src=${scratch.directory},dst=/seen,options=rbind:rw`;
      await containerd.ctr('support-test', 'run', '--rm', '--mount', mount, IMAGE, 'once');
      expect(readFileSync(scratch.path('by'), 'utf8')).toBe('app\nhello\n');
    }
  });
});

test('runs crun where no cgroup v2 is mounted, and cleans up after it', async () => {
  const leaks = await leakCheck({ cgroups: CGROUPS });
  const containerd = await startContainerd({ hideCgroup2: true });
  await importTestImage(containerd, 'support-test', IMAGE);
  const run = ['run', '-d', '--null-io', '--runc-binary', '/usr/bin/crun', IMAGE, 'sleeper', 'sleep', '1000'];
  await containerd.ctr('support-test', ...run);
  expect(await containerd.ctr('support-test', 'tasks', 'ls')).toMatch(/sleeper\s+\d+\s+RUNNING/);
  await containerd.stop();
  await leaks.expectNone();
});

describe('leak check', () => {
  test('finds everything that a running container holds', async () => {
    await using containerd = await startContainerd();
    await importTestImage(containerd, 'support-test', IMAGE);
    const leaks = await leakCheck({ containerd, cgroups: CGROUPS });
    await containerd.ctr('support-test', 'run', '-d', '--null-io', IMAGE, 'sleeper', 'sleep', '1000');
    await containerd.ctr('support-test', 'leases', 'create', '--id', 'forgotten');

    const kinds = (await leaks.findings()).map((finding) => finding.replace(/ [/\d].*| net:.*/, ''));

    for (const kind of ['network namespace', 'mount', 'cgroup', 'shim']) expect(kinds).toContain(kind);
    for (const kind of [
      'container sleeper',
      'containerd task sleeper',
      'snapshot sleeper',
      'lease forgotten',
    ])
      expect(kinds).toContain(`${kind} of namespace support-test`);
    await expect(leaks.expectNone(1)).rejects.toThrow('lease forgotten');
  });
});

describe('registry', () => {
  test('serves a pushed image, and serves it again after a halt', async () => {
    await using containerd = await startContainerd();
    await using registry = await startRegistry();
    const { reference, byDigest, digest } = await pushTestImage(registry, 'team/test:1', { multiArch: true });

    await containerd.ctr('support-test', 'images', 'pull', '--plain-http', reference);
    expect(registry.requests()).toContain(`GET /v2/team/test/manifests/${digest} 200`);

    await registry.halt();
    const refused = await containerd.tryCtr('other', 'images', 'pull', '--plain-http', byDigest);
    expect(refused.exitCode).not.toBe(0);
    await registry.start();
    await containerd.ctr('other', 'images', 'pull', '--plain-http', byDigest);
  });

  test('with auth turns away all but its user, over TLS too', async () => {
    await using containerd = await startContainerd();
    for (const tls of [false, true]) {
      await using registry = await startRegistry({ auth: 'basic', tls });
      const { reference } = await pushTestImage(registry, 'private');
      expect(registry.requests().at(-1)).toBe('PUT /v2/private/manifests/latest 201');
      if (tls) continue;
      const pull = (...user: string[]) => ['images', 'pull', '--plain-http', ...user, reference];
      expect((await containerd.tryCtr('support-test', ...pull())).stderr).toMatch(/401|authoriz/);
      const { username = '', password = '' } = registry.user ?? {};
      await containerd.ctr('support-test', ...pull('--user', `${username}:${password}`));
    }
  });
});
