import { readFileSync, readlinkSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ensureNetworkNamespace, removeNetworkNamespace } from '../../../src/host/netns.ts';
import type { CreateContainer } from '../../../src/runtime/runtime.ts';
import { TaskError } from '../../../src/task/errors.ts';
import { EventLog, requestOf, runToEnd, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

const LINKS = 'readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc';

/** Namespaces of the host, of nobody else, and those that a pause container holds for others. */
export function namespacesContract(under: () => RuntimeUnderTest): void {
  describe('namespaces', () => {
    const { signal } = new AbortController();

    const run = (name: string, overrides: Partial<CreateContainer>) => runToEnd(under(), name, overrides);
    const lines = async (name: string, overrides: Partial<CreateContainer>) =>
      (await run(name, overrides)).trim().split('\n');
    const pauseOf = async (name: string): Promise<CreateContainer> => ({
      ...(await requestOf(under(), name, { pause: true, ipc: { kind: 'shareable' } })),
      stdio: { kind: 'null' },
      readonlyRootfs: true,
      capabilitiesDrop: ['ALL'],
    });
    const start = async (request: CreateContainer) => {
      await under().runtime.createContainer(request, { signal });
      return await under().runtime.startContainer(request.id, { signal });
    };
    const remove = async (...requests: readonly CreateContainer[]) => {
      for (const { id } of requests) await under().runtime.removeContainer(id, { signal });
    };

    it("are the host's where that is asked, its /dev/shm too (RES-84)", async () => {
      const text = `${LINKS}; stat -c %d /dev/shm; test -d /proc/${process.pid} && echo seen`;
      const host = { kind: 'host' } as const;
      expect(await lines('ns-host', { ...script(text), pid: host, ipc: host })).toEqual([
        readlinkSync('/proc/self/ns/pid'),
        readlinkSync('/proc/self/ns/ipc'),
        String(statSync('/dev/shm').dev),
        'seen',
      ]);
    });

    it('are its own with the IPC mode none, and then it has no /dev/shm (RES-84)', async () => {
      const text = `${LINKS}; grep -c " /dev/shm " /proc/self/mountinfo; echo $$`;
      const [pid, ipc, mounts, self] = await lines('ns-none', { ...script(text), ipc: { kind: 'none' } });
      expect(pid).not.toBe(readlinkSync('/proc/self/ns/pid'));
      expect(ipc).not.toBe(readlinkSync('/proc/self/ns/ipc'));
      expect([mounts, self]).toEqual(['0', '1']);
    });

    it('of its network is one that others have, joined in the way that the runtime tells', async () => {
      const text = 'readlink /proc/self/ns/net; hostname';
      if (under().runtime.info.joinsNetworkBy === 'path') {
        const path = `/run/netns/ecs-test-${process.pid}-contract`;
        ensureNetworkNamespace(path, { ipv6: false });
        const network = { kind: 'path', path } as const;
        expect(await lines('ns-network', { ...script(text), network, hostname: 'own' })).toEqual([
          `net:[${statSync(path).ino}]`,
          'own',
        ]);
        removeNetworkNamespace(path);
        return;
      }
      const holder = { ...(await pauseOf('ns-holder')), hostname: 'the-holder' };
      const { pid } = await start(holder);
      const network = { kind: 'container', id: holder.id } as const;
      expect(await lines('ns-network', { ...script(text), network, hostname: 'own' })).toEqual([
        readlinkSync(`/proc/${pid}/ns/net`),
        'the-holder',
      ]);
      await remove(holder);
    });

    describe('of a pause container', () => {
      let pause: CreateContainer;
      let shared: Pick<CreateContainer, 'pid' | 'ipc'>;
      beforeAll(async () => {
        pause = await pauseOf('ns-pause');
        await start(pause);
        const held = { kind: 'container', id: pause.id } as const;
        shared = { pid: held, ipc: held };
      });
      afterAll(() => remove(pause));

      it('show containers each other: processes, signals, shared memory and message queues (RES-84)', async () => {
        await using log = new EventLog(under().runtime);
        const first = await requestOf(under(), 'ns-first', {
          ...script('echo of the first > /dev/shm/file; touch /dev/mqueue/queue; exec sleep 4321'),
          ...shared,
        });
        await start(first);
        const text = `
          until test -e /dev/mqueue/queue && pidof sleep > /dev/null; do sleep 0.05; done
          cat /dev/shm/file; ls /dev/mqueue; df -k /dev/shm | awk 'END {print $2}'
          readlink /proc/1/cwd > /dev/null; tr '\\0' ' ' < /proc/1/cmdline; echo
          kill -9 $(pidof sleep) && echo killed`;
        expect(await lines('ns-second', { ...script(text), ...shared })).toEqual([
          'of the first',
          'queue',
          '65536',
          '/pause ',
          'killed',
        ]);
        expect(await log.exitOf(first.id)).toMatchObject({ exitCode: 137 });
        await remove(first);
      });

      it('are reaped: what ends without a parent leaves no zombie', async () => {
        // The shell between them ends first, so that the sleep is the orphan of process 1.
        const text = `
          sh -c 'sleep 0.3 & echo orphan $!' > /tmp/orphan; read name pid < /tmp/orphan
          awk '/^PPid/ {print $2}' /proc/$pid/status
          n=0; while test -e /proc/$pid && test $n -lt 100; do sleep 0.05; n=$((n + 1)); done
          grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null; test -e /proc/$pid || echo gone`;
        expect(await lines('ns-orphan', { ...script(text), ...shared })).toEqual(['1', 'gone']);
      });

      it('are joined for one kind alone, and by containers of the next run of the agent (RES-84)', async () => {
        const runtime = await under().reopen();
        await runtime.listContainers({ signal });
        const [pid] = await lines('ns-pid', { ...script(LINKS), pid: shared.pid ?? { kind: 'host' } });
        const [own, ipc] = await lines('ns-ipc', { ...script(LINKS), ipc: shared.ipc ?? { kind: 'none' } });
        const both = await lines('ns-both', { ...script(LINKS), ...shared });
        expect([pid, ipc]).toEqual(both);
        expect(own).not.toBe(pid);
      });

      it('take the settings of the IPC namespace that any of its containers asks for (RES-93)', async () => {
        const text = 'cat /proc/sys/kernel/msgmax';
        const sysctls = { 'kernel.msgmax': '12345' };
        expect(await lines('ns-sysctl', { ...script(text), ...shared, sysctls })).toEqual(['12345']);
        expect(await lines('ns-other', { ...script(text), ...shared })).toEqual(['12345']);
      });
    });

    it('end with the pause container, at its stop signal, and nothing joins them then', async () => {
      await using log = new EventLog(under().runtime);
      const { runtime } = under();
      const pause = await pauseOf('ns-ending');
      const pid = { kind: 'container', id: pause.id } as const;
      const member = await requestOf(under(), 'ns-member', { ...script('exec sleep 60'), pid });
      await start(pause);
      await start(member);
      const before = Date.now();
      const exit = await runtime.stopContainer(pause.id, { killAtMs: before + 20_000 }, { signal });
      expect(Date.now() - before).toBeLessThan(15_000);
      expect(exit).toMatchObject({ exitCode: 0, oomKilled: false });
      expect(await log.exitOf(member.id)).toMatchObject({ exitCode: 137 });
      const late = await requestOf(under(), 'ns-late', { ...script('true'), pid });
      await expect(start(late)).rejects.toThrow(TaskError);
      await remove(late, member, pause);
      expect(await runtime.observeContainer(pause.id, { signal })).toEqual({ state: 'absent' });
      // What they had at /dev/shm, where that was mounted by the agent.
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(pause.id);
    });
  });
}
