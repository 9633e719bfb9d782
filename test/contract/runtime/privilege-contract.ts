import { readdirSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CreateContainer } from '../../../src/runtime/runtime.ts';
import { run as command } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { EventLog, requestOf, runToEnd, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

/** The kernel's log, 1:11: there on every machine, and none of those that every container may use. */
const KERNEL_LOG = '/dev/kmsg';

/** What a container may do beyond, and less than, what every container may. */
export function privilegeContract(under: () => RuntimeUnderTest): void {
  describe('privileges', () => {
    const { signal } = new AbortController();
    let scratch: Scratch;
    beforeAll(async () => {
      scratch = makeScratch();
      await command('mknod', [scratch.path('log'), 'c', '1', '11']);
      writeFileSync(scratch.path('no-device'), '');
    });
    afterAll(() => scratch.remove());

    const run = (name: string, overrides: Partial<CreateContainer>) => runToEnd(under(), name, overrides);
    const status = (text: string, field: string) =>
      new RegExp(`^${field}:\\s*(\\S+)$`, 'm').exec(text)?.[1] ?? `no ${field} in ${text}`;
    const attempt = (what: string, name: string) => `${what} 2>/dev/null && echo ${name} can`;

    it('filters system calls, and not when told not to', async () => {
      const text = [
        'cat /proc/self/status',
        attempt('unshare -U true', 'user namespace'),
        attempt('chroot / true', 'chroot'),
      ].join('; ');
      const filtered = await run('filtered', script(text));
      expect(status(filtered, 'Seccomp')).toBe('2');
      expect(filtered).toContain('chroot can');
      expect(filtered).not.toMatch(/user namespace can$/m);
      const unconfined = { ...script(text), securityOptions: ['seccomp=unconfined'] };
      expect(status(await run('unfiltered', unconfined), 'Seccomp')).toBe('0');
    });

    it('filters by a profile of the task definition', async () => {
      const profile = {
        defaultAction: 'SCMP_ACT_ALLOW',
        syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }],
      };
      const output = await run('own-filter', {
        ...script('mkdir /made || echo refused; touch /touched && echo touched'),
        securityOptions: [`seccomp=${JSON.stringify(profile)}`],
      });
      // What mkdir says of it comes through another pipe, at any place between these.
      expect(output.split('\n')).toEqual(expect.arrayContaining(['refused', 'touched']));
    });

    it('keeps processes from gaining privileges when asked (RES-92)', async () => {
      const text = script('cat /proc/self/status');
      expect(status(await run('gaining', text), 'NoNewPrivs')).toBe('0');
      const asked = { ...text, securityOptions: ['no-new-privileges'] };
      expect(status(await run('not-gaining', asked), 'NoNewPrivs')).toBe('1');
    });

    it('gives a privileged container everything: devices, capabilities, kernel files (RES-90)', async (context) => {
      const { givesAllCapabilities } = under();
      context.skip(!givesAllCapabilities, 'it asks for capabilities that this machine does not have');
      const output = await run('privileged', {
        ...script(
          [
            'cat /proc/self/status',
            attempt('mkdir /m && mount -t tmpfs none /m', 'mount'),
            attempt(': > /proc/sys/kernel/domainname', 'sysctl'),
            attempt("grep -q ' /sys rw,' /proc/self/mountinfo", 'sysfs'),
            attempt(`: > ${KERNEL_LOG}`, 'device'),
            'echo devices $(ls /dev)',
            'grep -c /proc/kcore /proc/self/mountinfo',
          ].join('; '),
        ),
        privileged: true,
        capabilitiesDrop: ['ALL'],
      });
      expect(status(output, 'Seccomp')).toBe('0');
      expect(status(output, 'CapEff')).toBe(status(output, 'CapBnd'));
      expect(output).toContain('mount can');
      expect(output).toContain('sysctl can');
      expect(output).toContain('sysfs can');
      expect(output).toContain('device can');
      expect(output.trim().split('\n').at(-1)).toBe('0');
      const devices = /^devices (.*)$/m.exec(output)?.[1]?.split(' ') ?? [];
      const hosts = readdirSync('/dev', { withFileTypes: true })
        .filter((entry) => entry.isBlockDevice() || entry.isCharacterDevice())
        .map(({ name }) => name)
        .filter((name) => name !== 'console');
      expect(devices).toEqual(expect.arrayContaining(hosts));
    });

    it('lets a device be used as it was asked for, and no other way', async () => {
      const text = script(
        [
          attempt(': > /dev/given', 'write'),
          attempt('head -c 1 < /dev/given', 'read'),
          `mknod /tmp/other c 1 11 && ${attempt(': > /tmp/other', 'own node')}`,
          'ls -l /dev/given',
        ].join('; '),
      );
      const mapping = { pathOnHost: KERNEL_LOG, pathInContainer: '/dev/given' };
      const output = await run('device', { ...text, devices: [{ ...mapping, permissions: 'w' }] });
      expect(output).toContain('write can');
      expect(output).toContain('own node can');
      expect(output).not.toMatch(/read can$/m);
      expect(output).toMatch(/^c.* 1, +11 /m);
      const none = await run(
        'no-device',
        script(`mknod /dev/given c 1 11; ${attempt(': > /dev/given', 'write')}`),
      );
      expect(none).not.toMatch(/write can$/m);
    });

    it('gives every device of a folder', async () => {
      const output = await run('devices', {
        ...script('ls /dev/folder; : > /dev/folder/log && echo written'),
        devices: [{ pathOnHost: scratch.path('.'), pathInContainer: '/dev/folder', permissions: 'rwm' }],
      });
      expect(output).toBe('log\nwritten\n');
    });

    it('runs an init that reaps orphans and passes signals on (RES-94)', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const text = [
        "trap 'echo told; exit 7' TERM",
        'tr "\\0" " " < /proc/1/cmdline; echo',
        // An orphan: its parent ends before it does. What is dead for a moment (a process of exec below) is no harm.
        'sh -c "sleep 0.1 &"; sleep 0.4; n=0',
        'while zombies=$(grep -l "^State:.Z" /proc/[0-9]*/status 2>/dev/null) && [ $((n += 1)) -lt 100 ]; do sleep 0.05; done',
        '[ -z "$zombies" ] || echo "$zombies"',
        ': > /ready; while :; do sleep 0.05; done',
      ].join('; ');
      const request = await requestOf(under(), 'init', { ...script(text), init: true });
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      const isReady = { args: ['test', '-e', '/ready'], outputLimit: 0 };
      await until(async () => (await runtime.exec(request.id, isReady, { signal })).exitCode === 0, {
        what: 'its shell waits for signals',
      });
      await runtime.stopContainer(request.id, { killAtMs: Date.now() + 20_000 }, { signal });
      expect(await log.exitOf(request.id)).toMatchObject({ exitCode: 7 });
      const lines = (await under().output(request.id)).trim().split('\n');
      await runtime.removeContainer(request.id, { signal });
      expect(lines[0]).toMatch(/^\/sbin\/docker-init -- sh -c trap /);
      expect(lines.slice(1)).toEqual(['told']);
    });

    it('masks and protects the paths that are named instead of its own choice', async () => {
      const output = await run('paths', {
        ...script(
          'wc -c < /proc/version; wc -c < /etc/passwd; : > /proc/sys/kernel/domainname && echo domain',
        ),
        maskedPaths: ['/proc/version'],
        readonlyPaths: ['/etc'],
      });
      const [version, passwd, domain] = output.trim().split('\n');
      expect(version).toBe('0');
      expect(Number(passwd)).toBeGreaterThan(0);
      expect(domain).toBe('domain');
    });

    it('adds groups by name and number, sets domain name, stop signal and the order of killing', async () => {
      const output = await run('groups', {
        ...script('id -G; cat /proc/sys/kernel/domainname /proc/self/oom_score_adj'),
        additionalGroups: ['extra', '4242'],
        domainname: 'example.test',
        oomScoreAdj: 321,
      });
      const [groups, domain, score] = output.trim().split('\n');
      expect(groups?.split(' ')).toEqual(expect.arrayContaining(['7777', '4242']));
      expect([domain, score]).toEqual(['example.test', '321']);
      const plain = await run('score', script('cat /proc/self/oom_score_adj'));
      expect(plain.trim()).toBe('0');
    });

    it.each<readonly [what: string, overrides: Partial<CreateContainer>, names: RegExp]>([
      ['a capability', { capabilitiesAdd: ['NONSENSE'] }, /NONSENSE/],
      ['a security option', { securityOptions: ['nonsense'] }, /nonsense/],
      ['a group', { additionalGroups: ['nonsense'] }, /nonsense/],
      ['a limit of processes', { ulimits: [{ name: 'nonsense', soft: 1, hard: 1 }] }, /nonsense/i],
      ['too little memory', { limits: { cpuShares: 2, memoryBytes: 4 * 1024 * 1024 } }, /memory/i],
      ['a kernel setting', { sysctls: { 'vm.swappiness': '1' } }, /vm\.swappiness/],
      [
        'a device',
        { devices: [{ pathOnHost: '/dev/nonsense', pathInContainer: '/dev/n', permissions: 'r' }] },
        /\/dev\/nonsense/,
      ],
    ])('refuses %s that cannot be, by its name, and leaves nothing', async (what, overrides, names) => {
      const { runtime } = under();
      const request = await requestOf(under(), `impossible ${basename(what)}`.replaceAll(' ', '-'), {
        ...script('true'),
        ...overrides,
      });
      const make = async () => {
        await runtime.createContainer(request, { signal });
        await runtime.startContainer(request.id, { signal });
      };
      await expect(make()).rejects.toThrow(names);
      await runtime.removeContainer(request.id, { signal });
      expect(await runtime.observeContainer(request.id, { signal })).toMatchObject({ state: 'absent' });
      await under().expectNothingLeft();
    });
  });
}
