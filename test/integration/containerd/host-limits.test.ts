import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cgroupOf } from '../../../src/runtime/containerd/container-cgroup.ts';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import {
  type ContainerdUnderTest,
  containerdUnderTest,
} from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../../contract/runtime/containers.ts';
import { isAlive } from '../../support/processes.ts';

const MIB = 1024 * 1024;

describe('containers and their cgroups', () => {
  const { signal } = new AbortController();
  let under: ContainerdUnderTest;
  let runtime: ContainerRuntime;
  beforeAll(async () => {
    under = await containerdUnderTest();
    ({ runtime } = under);
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
  });

  it.skipIf(existsSync('/sys/fs/cgroup/cgroup.controllers'))(
    'have the limits asked for, read back from the files of cgroup v1 (CTD-69)',
    async () => {
      const request = await requestOf(under, 'limits', {
        ...script('sleep 1000'),
        limits: {
          cpuShares: 512,
          memoryBytes: 64 * MIB,
          memoryReservationBytes: 32 * MIB,
          memorySwappiness: 10,
        },
      });
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      const parent = request.cgroup?.driver === 'cgroupfs' ? request.cgroup.path : '';
      const read = (controller: string, file: string) =>
        readFileSync(`/sys/fs/cgroup/${controller}${parent}/${request.id}/${file}`, 'utf8').trim();
      expect(read('cpu', 'cpu.shares')).toBe('512');
      expect(read('memory', 'memory.limit_in_bytes')).toBe(String(64 * MIB));
      expect(read('memory', 'memory.soft_limit_in_bytes')).toBe(String(32 * MIB));
      expect(read('memory', 'memory.memsw.limit_in_bytes')).toBe(String(128 * MIB));
      expect(read('memory', 'memory.swappiness')).toBe('10');
      await runtime.removeContainer(request.id, { signal });
    },
  );

  it('tell a limit that the kernel does not take, as the runtime says it (CTD-20)', async () => {
    const request = await requestOf(under, 'no-such-cpu', {
      ...script('true'),
      limits: { cpuShares: 128, cpusetCpus: '4000' },
    });
    await runtime.createContainer(request, { signal });
    await expect(runtime.startContainer(request.id, { signal })).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringMatching(/cpuset/),
    });
    await runtime.removeContainer(request.id, { signal });
    await under.expectNothingLeft();
  });

  it('are told ended only when no process is left in them, and those that are left are killed (CTD-66)', async () => {
    await using log = new EventLog(runtime);
    const request = await requestOf(under, 'leftover', script('while ! test -e /go; do sleep 0.05; done'));
    const { id } = request;
    await runtime.createContainer(request, { signal });
    const { pid } = await runtime.startContainer(id, { signal });
    const cgroup = await cgroupOf(pid, id);
    if (cgroup === undefined) throw new Error('the container has no cgroup of its own');
    // A process outside of the container's pid namespace, as one that shares its task's has.
    const leftover = spawn('sleep', ['1006'], { stdio: 'ignore' });
    writeFileSync(`${cgroup.processes}/cgroup.procs`, String(leftover.pid));
    let aliveAtReport: boolean | undefined;
    const reported = log.exitOf(id).then((exit) => {
      aliveAtReport = isAlive(leftover.pid ?? 0);
      return exit;
    });
    await runtime.exec(id, { args: ['touch', '/go'], outputLimit: 10 }, { signal });
    expect(await reported).toMatchObject({ exitCode: 0 });
    expect(aliveAtReport).toBe(false);
    await runtime.removeContainer(id, { signal });
  });

  it('are removed also when their snapshot has gone before (CTD-67)', async () => {
    const request = await requestOf(under, 'no-snapshot', script('true'));
    await runtime.createContainer(request, { signal });
    await under.containerd.ctr(under.options.namespace, 'snapshots', 'rm', request.id);
    await runtime.removeContainer(request.id, { signal });
    expect(await runtime.observeContainer(request.id, { signal })).toEqual({ state: 'absent' });
  });

  it('say that memory ran out also when the limit is that of their task (CTD-28)', async () => {
    if (!existsSync('/sys/fs/cgroup/memory')) return;
    const base = await requestOf(
      under,
      'task-oom',
      script('exec dd if=/dev/zero of=/dev/null bs=200M count=1'),
    );
    const parent = base.cgroup?.driver === 'cgroupfs' ? base.cgroup.path : '';
    const folder = `/sys/fs/cgroup/memory${parent}/task-oom`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/memory.limit_in_bytes`, String(32 * MIB));
    const request = { ...base, cgroup: { driver: 'cgroupfs' as const, path: `${parent}/task-oom` } };
    await using log = new EventLog(runtime);
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(request.id, { signal });
    expect(await log.exitOf(request.id)).toMatchObject({ exitCode: 137, oomKilled: true });
    await runtime.removeContainer(request.id, { signal });
  });
});
