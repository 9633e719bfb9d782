import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ContainerdClient } from '../../../src/runtime/containerd/client.ts';
import { ContainerdError } from '../../../src/runtime/containerd/containerd-error.ts';
import { ContainerdRuntime } from '../../../src/runtime/containerd/containerd-runtime.ts';
import { deleteUnfinishedLeases, withLease } from '../../../src/runtime/containerd/leases.ts';
import type { ContainerRuntime } from '../../../src/runtime/runtime.ts';
import { RuntimeUnavailableError } from '../../../src/task/errors.ts';
import {
  type ContainerdUnderTest,
  containerdUnderTest,
} from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../../contract/runtime/containers.ts';
import { CONTAINERD_VERSIONS } from '../../support/containerd-versions.ts';
import { isAlive, killAll, shimProcesses } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

/** Runs until a file appears, then ends with that file's content as its code. */
const WAITS_FOR_CODE = 'while ! test -s /code; do sleep 0.05; done; exit $(cat /code)';

describe.each(CONTAINERD_VERSIONS)('when parts of containerd %s die', (version) => {
  const { signal } = new AbortController();
  let under: ContainerdUnderTest;
  let runtime: ContainerRuntime;
  beforeAll(async () => {
    under = await containerdUnderTest({ version });
    ({ runtime } = under);
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
  });

  async function start(name: string, text: string, group?: string) {
    const request = await requestOf(under, name, { ...script(text), ...(group !== undefined && { group }) });
    await runtime.createContainer(request, { signal });
    const { pid } = await runtime.startContainer(request.id, { signal });
    return { id: request.id, pid };
  }

  /** Starts containerd again and waits until the runtime has found it. */
  async function restart() {
    await under.containerd.restart();
    await until(() => runtime.ping({ signal }).then(() => true), { what: 'containerd is back' });
  }

  it('containers keep running over a restart of containerd, and their exits are still told (CTD-31)', async () => {
    await using log = new EventLog(runtime);
    const { id, pid } = await start('survivor', WAITS_FOR_CODE);
    await log.live();
    const resyncs = () => log.events.filter(({ kind }) => kind === 'resync').length;
    const before = resyncs();
    await under.containerd.restart();
    expect(isAlive(pid)).toBe(true);
    await until(() => resyncs() > before, { what: 'a resync is told' });
    expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'running', pid });
    await runtime.exec(id, { args: ['sh', '-c', 'echo 7 > /code'], outputLimit: 10 }, { signal });
    expect(await log.exitOf(id)).toMatchObject({ exitCode: 7 });
    await runtime.removeContainer(id, { signal });
    expect(log.exitsOf(id)).toHaveLength(1);
  });

  it('says that containerd is away while it is, and is back by itself (CTD-77)', async () => {
    await using log = new EventLog(runtime);
    await log.live();
    const { id } = await start('unreachable', 'sleep 1000');
    await under.containerd.kill('SIGKILL');
    await expect(runtime.ping({ signal })).rejects.toBeInstanceOf(RuntimeUnavailableError);
    await expect(runtime.observeContainer(id, { signal })).rejects.toBeInstanceOf(RuntimeUnavailableError);
    await expect(runtime.stopContainer(id, { killAtMs: 0 }, { signal })).rejects.toBeInstanceOf(
      RuntimeUnavailableError,
    );
    log.events.length = 0;
    await under.containerd.restart();
    await until(() => log.events.some(({ kind }) => kind === 'resync'), { what: 'a resync is told' });
    await runtime.ping({ signal });
    await runtime.removeContainer(id, { signal });
  });

  it('a container that ends while containerd is away is told at once with its true code, by its shim (CTD-81)', async () => {
    await using log = new EventLog(runtime);
    const { id, pid } = await start('ended-away', WAITS_FOR_CODE, 'shared');
    const beside = await start('beside', 'sleep 1000', 'shared');
    await under.containerd.kill('SIGKILL');
    writeFileSync(`/proc/${pid}/root/code`, '9');
    const exit = await log.exitOf(id);
    expect(exit).toMatchObject({ exitCode: 9, oomKilled: false });
    expect(exit.detail).toBeUndefined();
    expect(isAlive(pid)).toBe(false);
    await restart();
    expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'exited', exit });
    expect((await runtime.observeContainer(beside.id, { signal })).state).toBe('running');
    await runtime.releaseContainer(id, { signal });
    expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'released' });
    expect(log.exitsOf(id)).toHaveLength(1);
    for (const container of [id, beside.id]) await runtime.removeContainer(container, { signal });
    await under.expectNothingLeft();
  });

  it('an agent that starts while containerd is away asks the shims, and has the true codes when it is back (CTD-30, CTD-81)', async () => {
    const first = await start('asked-early', WAITS_FOR_CODE);
    const later = await start('asked-late', WAITS_FOR_CODE, 'other');
    await runtime.close();
    await under.containerd.kill('SIGKILL');
    writeFileSync(`/proc/${first.pid}/root/code`, '11');
    await until(() => !isAlive(first.pid), { what: 'one has ended before the agent starts' });
    const reopened = under.reopen();
    const noteOf = (id: string) => readFileSync(`${under.options.runDir}/shims/${id}`, 'utf8');
    await until(() => noteOf(first.id).includes('"exitStatus":11'), { what: 'its shim has told' });
    writeFileSync(`/proc/${later.pid}/root/code`, '12');
    await until(() => noteOf(later.id).includes('"exitStatus":12'), { what: 'the other has told' });
    await under.containerd.restart();
    runtime = await reopened;
    const listed = new Map(
      (await runtime.listContainers({ signal })).map((container) => [container.id, container.observation]),
    );
    for (const [{ id }, exitCode] of [[first, 11] as const, [later, 12] as const]) {
      expect(listed.get(id)).toMatchObject({ state: 'exited', exit: { exitCode, oomKilled: false } });
      expect(await runtime.stopContainer(id, { killAtMs: 0 }, { signal })).toMatchObject({ exitCode });
      await runtime.removeContainer(id, { signal });
    }
    expect(readdirSync(`${under.options.runDir}/shims`)).toEqual([]);
    await under.expectNothingLeft();
  });

  it('when containerd and the shim are both killed, no process is left at the exit, and an unknown code is not made up (CTD-81)', async () => {
    await using log = new EventLog(runtime);
    const known = shimProcesses(under.containerd.address).map(({ pid }) => pid);
    const { id, pid } = await start('both-killed', 'sleep 1000');
    const shims = shimProcesses(under.containerd.address).filter((shim) => !known.includes(shim.pid));
    await under.containerd.kill('SIGKILL');
    await killAll(shims.map((shim) => shim.pid));
    expect(isAlive(pid)).toBe(true);
    expect(log.exitsOf(id)).toEqual([]);
    await restart();
    const exit = await log.exitOf(id);
    expect(isAlive(pid)).toBe(false);
    expect(exit.exitCode).toBeUndefined();
    expect(exit.detail).toMatch(/exit code was lost/);
    await runtime.removeContainer(id, { signal });
    await under.expectNothingLeft();
  });

  it('makes snapshots although a killed containerd left a folder in their way', async () => {
    const probe = ['snapshots', '--snapshotter', 'overlayfs'];
    await under.containerd.ctr('probe', ...probe, 'prepare', 'probe');
    const folders = join(under.containerd.rootDir, 'io.containerd.snapshotter.v1.overlayfs/snapshots');
    const next = join(folders, String(1 + Math.max(...readdirSync(folders).map(Number))));
    await under.containerd.kill('SIGKILL');
    mkdirSync(join(next, 'fs/old'), { recursive: true });
    await restart();
    const { id } = await start('folder-in-the-way', 'sleep 1000');
    expect(existsSync(join(next, 'fs'))).toBe(true);
    expect(existsSync(join(next, 'fs/old'))).toBe(false);
    await runtime.removeContainer(id, { signal });
    await under.containerd.ctr('probe', ...probe, 'remove', 'probe');
    await under.expectNothingLeft();
  });

  it('makes the task again when that of an agent that died is given up just before its start (CTD-30)', async () => {
    const request = await requestOf(under, 'given-up', script('exit 6'));
    const { id } = request;
    await runtime.createContainer(request, { signal });
    runtime = await under.reopen();
    if (!(runtime instanceof ContainerdRuntime)) throw new Error('it is not on containerd');
    const { client } = runtime;
    const another = new ContainerdClient(client);
    const callThrough = client.unary;
    const call = vi.spyOn(client, 'unary');
    let starts = 0;
    call.mockImplementation(async (service, method, body, options) => {
      if (method === 'Start' && ++starts === 1)
        await another.unary('tasks', 'Delete', { containerId: id }, { signal });
      return await callThrough.call(client, service, method, body, options);
    });
    try {
      await using log = new EventLog(runtime);
      await log.live();
      await runtime.startContainer(id, { signal });
      expect(starts).toBe(2);
      expect(await log.exitOf(id)).toMatchObject({ exitCode: 6 });
      expect(log.exitsOf(id)).toHaveLength(1);
    } finally {
      call.mockRestore();
      another.close();
    }
    await runtime.removeContainer(id, { signal });
  });

  it.each([
    ['has ended and been deleted', 'exit 6', 'delete'],
    ['has lost its shim', 'sleep 1000', 'lose'],
  ] as const)(
    'starts nothing twice: not what %s between its start and the answer (CTD-30)',
    async (_, program, then) => {
      const request = await requestOf(under, `ran-${then}`, script(program));
      const { id } = request;
      await runtime.createContainer(request, { signal });
      runtime = await under.reopen();
      if (!(runtime instanceof ContainerdRuntime)) throw new Error('it is not on containerd');
      const { client } = runtime;
      const another = new ContainerdClient(client);
      const callThrough = client.unary;
      const call = vi.spyOn(client, 'unary');
      const pids: number[] = [];
      call.mockImplementation(async (service, method, body, options) => {
        const answer = await callThrough.call(client, service, method, body, options);
        if (method === 'Create') pids.push((answer as { readonly pid: number }).pid);
        if (method !== 'Start') return answer;
        if (then === 'lose')
          throw new ContainerdError('NOT_FOUND', '/containerd.services.tasks.v1.Tasks/Start', 'not found');
        await another.unary('tasks', 'Wait', { containerId: id }, { signal });
        await another.unary('tasks', 'Delete', { containerId: id }, { signal });
        return await callThrough.call(client, service, method, body, options);
      });
      try {
        await expect(runtime.startContainer(id, { signal })).rejects.toThrow(/not found|not created/);
        expect(pids).toHaveLength(1);
        expect(pids.filter(isAlive)).toEqual([]);
      } finally {
        call.mockRestore();
        another.close();
      }
      await runtime.removeContainer(id, { signal });
      await under.expectNothingLeft();
    },
  );

  it('lets go of a lease late when containerd was killed before it could (CTD-45)', async () => {
    const { namespace } = under.options;
    const client = new ContainerdClient(under.options);
    try {
      const lease = { id: 'job', purpose: 'test', expiresInMs: 60_000, signal };
      await withLease(client, lease, () => under.containerd.kill('SIGKILL'));
      await restart();
      expect(await under.containerd.ctr(namespace, 'leases', 'ls')).toContain('job');
      await until(() => client.unary('version', 'Version', {}, { signal }), { what: 'it is back' });
      await deleteUnfinishedLeases(client);
      expect(await under.containerd.ctr(namespace, 'leases', 'ls')).not.toContain('job');
    } finally {
      client.close();
    }
  });

  it('puts the containers of a task under one shim, and those of another under another (CTD-24)', async () => {
    const a = await start('group-a', 'sleep 1000', 'one');
    const b = await start('group-b', 'sleep 1000', 'one');
    const c = await start('group-c', 'sleep 1000', 'two');
    expect(shimProcesses(under.containerd.address)).toHaveLength(2);
    for (const { id } of [a, b, c]) await runtime.removeContainer(id, { signal });
    await under.expectNothingLeft();
  });

  it('the death of a shim ends each of its containers with 137 and a reason, and no other (CTD-32, CTD-70)', async () => {
    await using log = new EventLog(runtime);
    const other = await start('other-shim', 'sleep 1000', 'other');
    const known = shimProcesses(under.containerd.address).map(({ pid }) => pid);
    const victims = [
      await start('lost-a', 'sleep 1000', 'lost'),
      await start('lost-b', 'sleep 1000', 'lost'),
    ];
    const shims = shimProcesses(under.containerd.address)
      .map(({ pid }) => pid)
      .filter((pid) => !known.includes(pid));
    expect(shims).toHaveLength(1);
    await killAll(shims);
    for (const { id, pid } of victims) {
      const exit = await log.exitOf(id, 10_000);
      expect(exit).toMatchObject({
        exitCode: 137,
        oomKilled: false,
        detail: expect.stringContaining('shim'),
      });
      expect(isAlive(pid)).toBe(false);
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'exited', exit });
      expect(await runtime.stopContainer(id, { killAtMs: 0 }, { signal })).toEqual(exit);
    }
    expect((await runtime.observeContainer(other.id, { signal })).state).toBe('running');
    for (const { id } of [...victims, other]) await runtime.removeContainer(id, { signal });
    for (const { id } of victims) expect(log.exitsOf(id)).toHaveLength(1);
    await under.expectNothingLeft();
  });

  it('a container whose task was deleted behind the back of the agent is released, and can be removed', async () => {
    const { id } = await start('deleted', 'sleep 1000');
    const { namespace } = under.options;
    const reopened = await under.reopen();
    ({ runtime } = under);
    await under.containerd.ctr(namespace, 'tasks', 'delete', '--force', id);
    expect(await reopened.observeContainer(id, { signal })).toEqual({ state: 'released' });
    expect(await reopened.stopContainer(id, { killAtMs: 0 }, { signal })).toMatchObject({
      detail: expect.stringMatching(/lost/),
    });
    await reopened.removeContainer(id, { signal });
    await under.expectNothingLeft();
  });
});
