import { describe, expect, it } from 'vitest';
import type { CreateContainer } from '../../../src/runtime/runtime.ts';
import { EventLog, requestOf, runToEnd, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

export function processContract(under: () => RuntimeUnderTest): void {
  describe('process', () => {
    const { signal } = new AbortController();

    const run = (name: string, overrides: Partial<CreateContainer>) => runToEnd(under(), name, overrides);

    it('tells the exit of a process that ends at once, once and after its start (CTD-63)', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      await log.live();
      const codes = [0, 1, 2, 3, 4, 5, 6, 7];
      const requests = await Promise.all(
        codes.map((code) => requestOf(under(), `brief-${code}`, script(`exit ${code}`))),
      );
      const early: string[] = [];
      await Promise.all(
        requests.map(async (request) => {
          await runtime.createContainer(request, { signal });
          await runtime.startContainer(request.id, { signal });
          if (log.exitsOf(request.id).length > 0) early.push(request.name);
        }),
      );
      expect(early).toEqual([]);
      for (const [index, { id }] of requests.entries())
        expect((await log.exitOf(id)).exitCode).toBe(codes[index]);
      for (const { id } of requests) await runtime.removeContainer(id, { signal });
      for (const { id } of requests) expect(log.exitsOf(id)).toHaveLength(1);
    });

    it("takes the image's command and environment, and lays the request's over them", async () => {
      const output = await run('env', {
        ...script('env | sort; id -u; pwd'),
        environment: { OURS: 'a b', IMAGE: 'overlaid' },
        hostname: 'host-one',
      });
      const lines = output.trim().split('\n');
      expect(lines).toContain('IMAGE=overlaid');
      expect(lines).toContain('OURS=a b');
      expect(lines).toContain('HOSTNAME=host-one');
      expect(lines).toContain('HOME=/root');
      expect(lines.some((line) => line.startsWith('PATH=') && line.length > 'PATH='.length)).toBe(true);
      expect(lines).toContain('0');
      expect(lines.at(-1)).toBe('/');
    });

    it("finds users by name in the image's own files (CTD-61)", async () => {
      const output = await run('user', { ...script('id -u; id -g; id -G; echo $HOME'), user: 'app' });
      const [uid, gid, groups, home] = output.trim().split('\n');
      expect([uid, gid, home]).toEqual(['1234', '5678', '/home/app']);
      expect(groups?.split(' ').sort()).toEqual(['5678', '7777']);
    });

    it('takes users and groups that the image does not list by number (CTD-61)', async () => {
      const output = await run('uid', { ...script('id -u; id -g; id -G'), user: '4321:999' });
      expect(output.trim().split('\n')).toEqual(['4321', '999', '999']);
    });

    it('makes a working directory that the image does not have', async () => {
      const output = await run('cwd', { ...script('pwd'), workingDirectory: '/made/for/this' });
      expect(output.trim()).toBe('/made/for/this');
    });

    it('gives it the default capabilities, those added and not those dropped', async () => {
      const output = await run('caps', {
        ...script('grep -E "^Cap(Prm|Bnd|Amb|Inh)" /proc/self/status'),
        capabilitiesAdd: ['SYS_PTRACE'],
        capabilitiesDrop: ['CAP_MKNOD'],
      });
      const values = Object.fromEntries(
        output
          .trim()
          .split('\n')
          .map((line) => line.split(/:\s*/)),
      );
      const mask = BigInt(`0x${values.CapBnd}`);
      const has = (number: number) => (mask & (1n << BigInt(number))) !== 0n;
      expect(has(19)).toBe(true);
      expect(has(27)).toBe(false);
      expect(has(21)).toBe(false);
      expect(has(0)).toBe(true);
      expect(values.CapPrm).toBe(values.CapBnd);
      expect(values.CapAmb).toBe('0000000000000000');
    });

    it('sets limits of the process: as asked, unlimited for -1 (CTD-44, RES-95)', async () => {
      const output = await run('ulimits', {
        ...script('grep -E "Max (open files|core file size|processes)" /proc/self/limits'),
        ulimits: [
          { name: 'core', soft: -1, hard: -1 },
          { name: 'nproc', soft: 100, hard: 200 },
        ],
      });
      const table = output.replace(/ +/g, ' ');
      expect(table).toMatch(/Max open files [1-9]\d* [1-9]\d*/);
      expect(table).toContain('Max core file size unlimited unlimited');
      expect(table).toContain('Max processes 100 200');
    });

    it('makes the root filesystem read-only but not the mounts that are not', async () => {
      const output = await run('readonly', {
        ...script('touch /x; touch /tmp/x && echo tmp; touch /dev/shm/x && echo shm; df -k /tmp | tail -1'),
        readonlyRootfs: true,
        tmpfs: { '/tmp': 'size=1m' },
      });
      expect(output).toContain('/x: Read-only file system');
      expect(output).toContain('tmp\n');
      expect(output).toContain('shm\n');
      expect(output).toMatch(/\s1024\s/);
    });

    it('binds folders of the host, read-only where asked', async () => {
      const output = await run('binds', {
        ...script('ls -d /data/bin/busybox; touch /data/x'),
        mounts: [{ source: '/', destination: '/data', readonly: true }],
      });
      expect(output).toContain('/data/bin/busybox');
      expect(output).toContain('/data/x: Read-only file system');
    });

    it('gives it an own view of the host: processes, hostname, network, masked files', async () => {
      const output = await run(
        'view',
        script('echo $$; ls /sys/class/net; wc -c </proc/timer_list; hostname'),
      );
      const lines = output.trim().split('\n');
      expect(lines[0]).toBe('1');
      expect(lines[1]).toBe('lo');
      expect(lines.at(-1)).toMatch(/^[0-9a-f]{12}$/);
    });

    it('sets kernel parameters of its namespaces, and lets low ports be bound by anyone', async () => {
      const output = await run('sysctls', {
        ...script('cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_unprivileged_port_start'),
        sysctls: { 'kernel.shmmni': '1234' },
      });
      expect(output.trim().split('\n')).toEqual(['1234', '0']);
    });

    it('gives it a terminal when asked, with one output', async () => {
      const output = await run('terminal', {
        ...script('test -t 1 && echo "tty $TERM"; echo err >&2'),
        terminal: true,
      });
      expect(output.replaceAll('\r', '')).toBe('tty xterm\nerr\n');
    });

    it('keeps an open standard input open, and closes it otherwise', async () => {
      const closed = await run('stdin-closed', script('timeout 1 cat; echo "cat ended with $?"'));
      expect(closed.trim()).toBe('cat ended with 0');
      const open = await run('stdin-open', {
        ...script('timeout 1 cat; echo "cat ended with $?"'),
        openStdin: true,
      });
      expect(open).toMatch(/^cat ended with 143$/m);
    });

    it('says that a process was killed for its memory (CTD-28)', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const request = await requestOf(under(), 'oom', {
        ...script('exec dd if=/dev/zero of=/dev/null bs=200M count=1'),
        limits: { cpuShares: 128, memoryBytes: 16 * 1024 * 1024 },
      });
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      expect(await log.exitOf(request.id)).toMatchObject({ exitCode: 137, oomKilled: true });
      await runtime.removeContainer(request.id, { signal });
    });
  });
}
