import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

  it('a container that ended while containerd was away is told with its code, or without one and why (CTD-81)', async () => {
    await using log = new EventLog(runtime);
    const { id, pid } = await start('ended-away', 'sleep 1.5; exit 9');
    await under.containerd.kill('SIGKILL');
    await until(() => !isAlive(pid), { what: 'the container has ended' });
    await under.containerd.restart();
    const exit = await log.exitOf(id);
    if (version === '1.6') expect(exit).toMatchObject({ exitCode: 9 });
    else {
      expect(exit.exitCode).toBeUndefined();
      expect(exit.detail).toMatch(/exit code was lost/);
    }
    expect((await runtime.observeContainer(id, { signal })).state).toBe('exited');
    await runtime.releaseContainer(id, { signal });
    expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'released' });
    await runtime.removeContainer(id, { signal });
    await under.expectNothingLeft();
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
