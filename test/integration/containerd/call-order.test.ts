import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortable } from '../../../src/async/abortable.ts';
import {
  type ContainerdUnderTest,
  containerdUnderTest,
} from '../../contract/runtime/containerd-under-test.ts';
import { EventLog, requestOf, script } from '../../contract/runtime/containers.ts';
import { until } from '../../support/until.ts';
import { openProxied, type Proxied } from './with-proxy.ts';

describe('calls to containerd', () => {
  const { signal } = new AbortController();
  let under: ContainerdUnderTest;
  let proxied: Proxied;
  beforeAll(async () => {
    under = await containerdUnderTest();
  });
  afterAll(async () => {
    await under[Symbol.asyncDispose]();
  });

  async function lifecycle(name: string) {
    const { runtime, proxy } = proxied;
    await using log = new EventLog(runtime);
    await log.live();
    const request = await requestOf(under, name, script('sleep 0.2; exit 3'));
    const { id } = request;
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(id, { signal });
    await runtime.exec(id, { args: ['true'], outputLimit: 10 }, { signal });
    await log.exitOf(id);
    const callsAtReport = [...proxy.calls];
    await runtime.releaseContainer(id, { signal });
    await runtime.removeContainer(id, { signal });
    return { id, callsAtReport };
  }

  it('carry the namespace each, and a deadline each but Wait and the event stream (CTD-1, CTD-37)', async () => {
    proxied = await openProxied(under, 'headers');
    await using _open = proxied;
    await lifecycle('headers');
    await proxied.runtime.listContainers({ signal });
    const { calls } = proxied.proxy;
    expect(calls.length).toBeGreaterThan(15);
    expect(calls.filter(({ namespace }) => namespace !== under.options.namespace)).toEqual([]);
    const endless = new Set(calls.filter(({ hasDeadline }) => !hasDeadline).map(({ name }) => name));
    expect([...endless].sort()).toEqual(['Events/Subscribe', 'Tasks/Wait']);
  });

  it('make a container under a lease that expires and goes in the end (CTD-6, CTD-17, CTD-45)', async () => {
    proxied = await openProxied(under, 'lease');
    await using _open = proxied;
    const { id } = await lifecycle('lease');
    const { proxy } = proxied;
    const lease = proxy.find('Leases/Create')?.request;
    const expires = Date.parse(Object(lease?.labels)['containerd.io/gc.expire']);
    expect(expires).toBeGreaterThan(Date.now());
    expect(expires).toBeLessThan(Date.now() + 25 * 3600 * 1000);
    for (const name of ['Snapshots/Prepare', 'Containers/Create'])
      expect(proxy.find(name)?.lease).toBe(lease?.id);
    expect(proxy.find('Snapshots/Prepare')?.request).toMatchObject({ key: id });
    const order = proxy.names();
    expect(order.indexOf('Leases/Create')).toBeLessThan(order.indexOf('Snapshots/Prepare'));
    expect(order.indexOf('Leases/Delete')).toBeGreaterThan(order.indexOf('Containers/Create'));
  });

  it('have Wait on its way before Start, for containers and execs (CTD-19, CTD-74)', async () => {
    proxied = await openProxied(under, 'wait');
    await using _open = proxied;
    const { id } = await lifecycle('wait');
    const processCalls = proxied.proxy.calls
      .filter(({ name }) => name === 'Tasks/Wait' || name === 'Tasks/Start')
      .map(({ name, request }) => `${name} ${request.containerId === id} ${request.execId !== ''}`);
    expect(processCalls).toEqual([
      'Tasks/Wait true false',
      'Tasks/Start true false',
      'Tasks/Wait true true',
      'Tasks/Start true true',
    ]);
  });

  it('make the task while what its process needs is still being completed, and start it only then', async () => {
    proxied = await openProxied(under, 'beside');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const request = await requestOf(under, 'beside', script('exit 0'));
    await runtime.createContainer(request, { signal });
    const completed = Promise.withResolvers<void>();
    const starting = runtime.startContainer(request.id, { signal, beforeProcess: () => completed.promise });
    await until(() => proxy.find('Tasks/Create')?.answered, { what: 'the task is made' });
    expect(proxy.names()).not.toContain('Tasks/Start');
    completed.resolve();
    await starting;
    expect(proxy.names()).toContain('Tasks/Start');
    await runtime.removeContainer(request.id, { signal });
  });

  it('give up what a process needs that cannot be made, and tell why it cannot (CTD-64)', async () => {
    proxied = await openProxied(under, 'needless');
    await using _open = proxied;
    const { runtime } = proxied;
    const request = await requestOf(under, 'needless', { entryPoint: ['/no/such/program'], command: [] });
    await runtime.createContainer(request, { signal });
    const beforeProcess = (options: { signal: AbortSignal }) =>
      abortable(new Promise<void>(() => {}), options.signal);
    await expect(runtime.startContainer(request.id, { signal, beforeProcess })).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringContaining('/no/such/program'),
    });
    await runtime.removeContainer(request.id, { signal });
  });

  it('tell how a process ended that was killed before its start (CTD-64)', async () => {
    proxied = await openProxied(under, 'early');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const request = await requestOf(under, 'early', script('exit 0'));
    const { id } = request;
    await runtime.createContainer(request, { signal });
    const beforeProcess = async () => {
      await until(() => proxy.find('Tasks/Create')?.answered, { what: 'the task is made' });
      await under.containerd.ctr(under.options.namespace, 'tasks', 'kill', '-s', 'SIGKILL', id);
      const list = () => under.containerd.ctr(under.options.namespace, 'tasks', 'ls');
      await until(async () => (await list()).includes('STOPPED'), { what: 'its process has ended' });
    };
    await expect(runtime.startContainer(id, { signal, beforeProcess })).rejects.toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringMatching(/: it ended with exit code 137 before the container's program began$/),
    });
    expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'created' });
    await runtime.removeContainer(id, { signal });
  });

  it('do not lie between an exit and its report (CTD-36)', async () => {
    proxied = await openProxied(under, 'report');
    await using _open = proxied;
    const { callsAtReport } = await lifecycle('report');
    // The exec's deletion is the last thing before the process ends by itself.
    expect(callsAtReport.at(-1)?.name).toBe('Tasks/DeleteProcess');
  });

  it('delete the task before its container (CTD-22)', async () => {
    proxied = await openProxied(under, 'delete');
    await using _open = proxied;
    await lifecycle('delete');
    const order = proxied.proxy
      .names()
      .filter((name) => /^(Tasks|Containers)\/Delete$|^Snapshots\/Remove$/.test(name));
    expect(order[0]).toBe('Tasks/Delete');
    expect(order.slice(-2)).toEqual(['Containers/Delete', 'Snapshots/Remove']);
  });

  it('delete every exec, also one that cannot start or is killed (CTD-75)', async () => {
    proxied = await openProxied(under, 'exec');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const request = await requestOf(under, 'exec-deleted', script('sleep 1000'));
    const { id } = request;
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(id, { signal });
    await runtime.exec(id, { args: ['/no/such/command'], outputLimit: 10 }, { signal });
    const controller = new AbortController();
    const slow = runtime.exec(
      id,
      { args: ['sleep', '1005'], outputLimit: 10 },
      { signal: controller.signal },
    );
    const rejected = expect(slow).rejects.toThrow('slow');
    await until(() => proxy.names('Tasks').filter((name) => name === 'Tasks/Start').length === 3, {
      what: 'the exec is started',
    });
    controller.abort(new Error('slow'));
    await rejected;
    const execs = proxy.calls
      .filter(({ name }) => name === 'Tasks/Exec')
      .map(({ request: { execId } }) => execId);
    const deleted = new Set(
      proxy.calls
        .filter(({ name }) => name === 'Tasks/DeleteProcess')
        .map(({ request: { execId } }) => execId),
    );
    expect(execs).toHaveLength(2);
    expect([...deleted].sort()).toEqual([...execs].sort());
    await runtime.removeContainer(id, { signal });
  });

  it('subscribe to events before anything is listed, with quoted filters (CTD-27, CTD-78)', async () => {
    proxied = await openProxied(under, 'subscribe');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    await using log = new EventLog(runtime);
    await log.live();
    await runtime.listContainers({ signal });
    const order = proxy.names();
    expect(order.indexOf('Events/Subscribe')).toBeGreaterThan(-1);
    expect(order.indexOf('Events/Subscribe')).toBeLessThan(order.indexOf('Containers/List'));
    expect(proxy.find('Events/Subscribe')?.request.filters).toEqual([
      `namespace=="${under.options.namespace}",topic~="^/tasks/(exit|oom)$"`,
    ]);
  });

  it('remove what was made when one of them fails, whichever it is (CTD-60, CTD-45)', async () => {
    proxied = await openProxied(under, 'failing');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const failures = ['Images/Get', 'Leases/Create', 'Snapshots/Prepare', 'Containers/Create'] as const;
    for (const call of failures) {
      for (const after of [undefined, 'effect'] as const) {
        proxy.fail(call, () => ({
          error: 'UNKNOWN',
          details: `no luck with ${call}`,
          ...(after && { after }),
        }));
        const request = await requestOf(under, 'failing', script('true'));
        await expect(runtime.createContainer(request, { signal })).rejects.toMatchObject({
          code: 'CannotCreateContainerError',
          message: `no luck with ${call}`,
        });
        proxy.heal();
        await under.expectNothingLeft();
      }
    }
  });

  it('leave no task when the start fails after it was made (CTD-64)', async () => {
    proxied = await openProxied(under, 'no-start');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const request = await requestOf(under, 'no-start', script('sleep 1000'));
    await runtime.createContainer(request, { signal });
    for (const call of ['Tasks/Create', 'Tasks/Start']) {
      proxy.fail(call, () => ({ error: 'UNKNOWN', details: 'no luck', after: 'effect' }));
      await expect(runtime.startContainer(request.id, { signal })).rejects.toMatchObject({
        code: 'CannotStartContainerError',
        message: 'no luck',
      });
      proxy.heal();
      expect(await under.containerd.ctr(under.options.namespace, 'tasks', 'ls', '-q')).toBe('');
      expect(await runtime.observeContainer(request.id, { signal })).toEqual({ state: 'created' });
    }
    const failure = new Error('no network');
    const beforeProcess = () => Promise.reject(failure);
    await expect(runtime.startContainer(request.id, { signal, beforeProcess })).rejects.toBe(failure);
    expect(await under.containerd.ctr(under.options.namespace, 'tasks', 'ls', '-q')).toBe('');
    await runtime.startContainer(request.id, { signal });
    await runtime.removeContainer(request.id, { signal });
    await under.expectNothingLeft();
  });

  it('report an exit by its event when Wait stays silent, once (CTD-63)', async () => {
    proxied = await openProxied(under, 'silent');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const silence = Promise.withResolvers<undefined>();
    proxy.fail('Tasks/Wait', () => silence.promise);
    await using log = new EventLog(runtime);
    await log.live();
    const request = await requestOf(under, 'silent', script('exit 6'));
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(request.id, { signal });
    expect(await log.exitOf(request.id)).toMatchObject({ exitCode: 6 });
    silence.resolve(undefined);
    await until(() => proxy.find('Tasks/Wait')?.answered, { what: 'Wait has answered after all' });
    await runtime.removeContainer(request.id, { signal });
    expect(log.exitsOf(request.id)).toHaveLength(1);
  });

  it('read an exit time that was never set as none (CTD-43)', async () => {
    proxied = await openProxied(under, 'no-time');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const before = Date.now();
    const exitedAt = { seconds: '-62135596800', nanos: 0 };
    proxy.fail('Tasks/Wait', () => ({ answer: { exitStatus: 0, exitedAt }, after: 'effect' }));
    await using log = new EventLog(runtime);
    const request = await requestOf(under, 'no-time', script('true'));
    await runtime.createContainer(request, { signal });
    await runtime.startContainer(request.id, { signal });
    expect((await log.exitOf(request.id)).exitedAt).toBeGreaterThanOrEqual(before);
    await runtime.removeContainer(request.id, { signal });
  });

  it('wait for a start that hangs, and undo it, when the container is stopped meanwhile', async () => {
    proxied = await openProxied(under, 'hanging');
    await using _open = proxied;
    const { runtime, proxy } = proxied;
    const held = Promise.withResolvers<undefined>();
    proxy.fail('Tasks/Create', () => held.promise);
    const request = await requestOf(under, 'hanging', script('sleep 1000'));
    await runtime.createContainer(request, { signal });
    const starting = runtime.startContainer(request.id, { signal });
    const rejected = expect(starting).rejects.toMatchObject({ code: 'CannotStartContainerError' });
    await until(() => proxy.find('Tasks/Create'), { what: 'the task is being made' });
    const stopping = runtime.stopContainer(request.id, { killAtMs: Date.now() + 60_000 }, { signal });
    held.resolve(undefined);
    expect(await stopping).toBeUndefined();
    await rejected;
    expect(await under.containerd.ctr(under.options.namespace, 'tasks', 'ls', '-q')).toBe('');
    await runtime.removeContainer(request.id, { signal });
    await under.expectNothingLeft();
  });
});
