import { describe, expect, it } from 'vitest';
import { type CreateContainer, LABEL_CONTAINER_NAME } from '../../../src/runtime/runtime.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import { ARN, EventLog, requestOf, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

export function lifecycleContract(under: () => RuntimeUnderTest): void {
  describe('lifecycle', () => {
    const { signal } = new AbortController();
    const createAndStart = async (request: CreateContainer) => {
      await under().runtime.createContainer(request, { signal });
      await under().runtime.startContainer(request.id, { signal });
    };

    it('goes from absent over created, running, exited and released back to absent', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const request = await requestOf(under(), 'life', script('exit 3'));
      const { id } = request;
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'absent' });

      await runtime.createContainer(request, { signal });
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'created' });

      const before = Date.now();
      const started = await runtime.startContainer(id, { signal });
      if (!under().keepsExits) expect(started.pid).toBeGreaterThan(0);
      expect(started.startedAt).toBeGreaterThanOrEqual(before);
      const exit = await log.exitOf(id);
      expect(exit).toMatchObject({ exitCode: 3, oomKilled: false });
      expect(exit.exitedAt).toBeGreaterThanOrEqual(before);
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'exited', exit });

      await runtime.releaseContainer(id, { signal });
      expect(await runtime.observeContainer(id, { signal })).toEqual(
        under().keepsExits ? { state: 'exited', exit } : { state: 'released' },
      );

      await runtime.removeContainer(id, { signal });
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'absent' });
      await under().expectNothingLeft();
    });

    it('lets every call be repeated', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const request = await requestOf(under(), 'twice', script('sleep 1000'));
      const { id } = request;
      await runtime.createContainer(request, { signal });
      await runtime.createContainer(request, { signal });
      const first = await runtime.startContainer(id, { signal });
      const second = await runtime.startContainer(id, { signal });
      expect(second).toEqual(first);
      expect(await runtime.observeContainer(id, { signal })).toMatchObject({
        state: 'running',
        pid: first.pid,
      });

      const exit = await runtime.stopContainer(id, { killAtMs: 0 }, { signal });
      expect(await runtime.stopContainer(id, { killAtMs: 0 }, { signal })).toEqual(exit);
      expect(await log.exitOf(id)).toEqual(exit);
      await runtime.releaseContainer(id, { signal });
      await runtime.releaseContainer(id, { signal });
      await runtime.removeContainer(id, { signal });
      await runtime.removeContainer(id, { signal });
      expect(log.exitsOf(id)).toHaveLength(1);
    });

    it('starts a container again whose run has ended, once, with its files; each exit names its run', async () => {
      await using log = new EventLog(under().runtime);
      const request = await requestOf(under(), 'again', script('echo x >>/n; exit $(wc -l </n)'));
      const { id } = request;
      await under().runtime.createContainer(request, { signal });
      await under().runtime.startContainer(id, { signal });
      const first = await log.exitOf(id);
      const afterRun = first.run ?? 0;
      expect(first.exitCode).toBe(1);

      await under().runtime.startContainer(id, { signal, afterRun });
      await until(() => log.exitsOf(id).length === 2, { what: 'the second run has ended' });
      const second = log.exitsOf(id)[1]?.exit;
      expect(second?.exitCode).toBe(2);
      expect(second?.run).toBeGreaterThan(afterRun);
      await under().runtime.startContainer(id, { signal, afterRun });
      expect(await under().runtime.observeContainer(id, { signal })).toEqual({
        state: 'exited',
        exit: second,
      });

      const runtime = await under().reopen();
      await using later = new EventLog(runtime);
      await runtime.startContainer(id, { signal, afterRun });
      expect(await later.exitOf(id)).toMatchObject({ exitCode: 2, run: second?.run });
      await runtime.startContainer(id, { signal, afterRun: second?.run ?? 0 });
      await until(() => later.exitsOf(id).length === 2, { what: 'the third run has ended' });
      expect(later.exitsOf(id)[1]?.exit.exitCode).toBe(3);
      await runtime.removeContainer(id, { signal });
      await under().expectNothingLeft();
    });

    it('removes a container that runs', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'remove-running', script('sleep 1000'));
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      await runtime.removeContainer(request.id, { signal });
      expect(await runtime.observeContainer(request.id, { signal })).toEqual({ state: 'absent' });
      await under().expectNothingLeft();
    });

    it('lists its containers with their labels and states', async () => {
      const { runtime } = under();
      const created = await requestOf(under(), 'list-created');
      const running = await requestOf(under(), 'list-running', script('sleep 1000'));
      await runtime.createContainer(created, { signal });
      await runtime.createContainer(running, { signal });
      const { pid } = await runtime.startContainer(running.id, { signal });

      const listed = await runtime.listContainers({ signal });
      const found = new Map(listed.map((container) => [container.id, container]));
      expect(found.get(created.id)?.observation).toEqual({ state: 'created' });
      expect(found.get(created.id)?.labels).toMatchObject({ [LABEL_CONTAINER_NAME]: 'list-created' });
      expect(found.get(running.id)?.observation).toMatchObject({ state: 'running', pid });
      for (const { id } of [created, running]) await runtime.removeContainer(id, { signal });
      expect(await runtime.listContainers({ signal })).toEqual([]);
    });

    it('refuses an image that is not there, and leaves nothing (CTD-60)', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'no-image', { image: 'localhost/none:1' });
      await expect(runtime.createContainer(request, { signal })).rejects.toMatchObject({
        code: 'CannotCreateContainerError',
        message: expect.stringContaining('localhost/none:1'),
      });
      expect(await runtime.observeContainer(request.id, { signal })).toEqual({ state: 'absent' });
      await under().expectNothingLeft();
    });

    it('refuses a user that the image does not have, and leaves nothing (CTD-60, CTD-61)', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'no-user', { user: 'nobody-here' });
      await expect(createAndStart(request)).rejects.toThrow(/unable to find user nobody-here/);
      await runtime.removeContainer(request.id, { signal });
      await under().expectNothingLeft();
    });

    it('tells a missing program when it starts, with the text of the runtime, and leaves no process (CTD-20, CTD-64)', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const request = await requestOf(under(), 'no-program', {
        entryPoint: ['/no/such/program'],
        command: [],
      });
      await runtime.createContainer(request, { signal });
      await expect(runtime.startContainer(request.id, { signal })).rejects.toMatchObject({
        code: 'CannotStartContainerError',
        message: expect.stringContaining('/no/such/program'),
      });
      expect(await runtime.observeContainer(request.id, { signal })).toEqual({ state: 'created' });
      expect(log.of(request.id)).toEqual([]);
      await runtime.removeContainer(request.id, { signal });
      await under().expectNothingLeft();
    });

    it('tells a missing mount source at the latest when it starts (CTD-20)', async () => {
      const { runtime } = under();
      const mounts = [{ source: '/no/such/folder', destination: '/data', readonly: false }];
      const request = await requestOf(under(), 'no-source', { mounts });
      await expect(createAndStart(request)).rejects.toMatchObject({
        code: expect.stringMatching(/^Cannot(Create|Start)ContainerError$/),
        message: expect.stringContaining('/no/such/folder'),
      });
      await runtime.removeContainer(request.id, { signal });
    });

    it('refuses to start what was never created', async () => {
      const { runtime } = under();
      const id = containerIdOf(ARN, 'never-created', 0);
      await expect(runtime.startContainer(id, { signal })).rejects.toMatchObject({
        code: 'CannotStartContainerError',
      });
    });

    it('rejects with the reason of a signal that has aborted', async () => {
      const { runtime } = under();
      const reason = new Error('the caller has gone');
      const aborted = AbortSignal.abort(reason);
      const request = await requestOf(under(), 'aborted');
      await expect(runtime.createContainer(request, { signal: aborted })).rejects.toBe(reason);
      await expect(runtime.startContainer(request.id, { signal: aborted })).rejects.toBe(reason);
      await expect(runtime.observeContainer(request.id, { signal: aborted })).rejects.toBe(reason);
      await expect(runtime.listContainers({ signal: aborted })).rejects.toBe(reason);
      await expect(runtime.removeContainer(request.id, { signal: aborted })).rejects.toBe(reason);
    });
  });
}
