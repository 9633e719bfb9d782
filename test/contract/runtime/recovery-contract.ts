import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { EventLog, requestOf, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

export function recoveryContract(under: () => RuntimeUnderTest): void {
  describe('recovery', () => {
    const { signal } = new AbortController();

    it('begins every event stream with a resync and ends it with the signal', async () => {
      const { runtime } = under();
      const log = new EventLog(runtime);
      await log.live();
      expect(log.events).toEqual([{ kind: 'resync' }]);
      await log[Symbol.asyncDispose]();
    });

    it('finds created, running and ended containers after a restart of the agent (CTD-30)', async () => {
      const first = under().runtime;
      const created = await requestOf(under(), 'found-created', script('exit 0'));
      const running = await requestOf(
        under(),
        'found-running',
        script('trap "exit 8" TERM; while true; do sleep 0.05; done'),
      );
      const ended = await requestOf(under(), 'found-ended', script('exit 6'));
      const keepsake = randomBytes(6_000);
      await first.createContainer({ ...running, keepsake }, { signal });
      for (const request of [created, ended]) await first.createContainer(request, { signal });
      const { pid } = await first.startContainer(running.id, { signal });
      await first.startContainer(ended.id, { signal });
      await until(async () => (await first.observeContainer(ended.id, { signal })).state === 'exited', {
        what: 'one has ended',
      });

      const runtime = await under().reopen();
      await using log = new EventLog(runtime);
      const containers = await runtime.listContainers({ signal });
      const listed = new Map(containers.map(({ id, observation }) => [id, observation]));
      const kept = new Map(containers.map((container) => [container.id, container.keepsake]));
      expect(Buffer.from(kept.get(running.id) ?? []).equals(keepsake)).toBe(true);
      expect(kept.get(created.id)).toBeUndefined();
      expect(listed.get(created.id)).toEqual({ state: 'created' });
      expect(listed.get(running.id)).toMatchObject({ state: 'running', pid });
      expect(listed.get(ended.id)).toMatchObject({ state: 'exited', exit: { exitCode: 6 } });

      expect(
        await runtime.stopContainer(running.id, { killAtMs: Date.now() + 60_000 }, { signal }),
      ).toMatchObject({
        exitCode: 8,
      });
      expect(await log.exitOf(running.id)).toMatchObject({ exitCode: 8 });
      for (const { id } of [created, running, ended]) await runtime.removeContainer(id, { signal });
      await under().expectNothingLeft();
    });

    it('tells the exit of a container that an earlier run of the agent started (CTD-30)', async () => {
      const request = await requestOf(
        under(),
        'adopted',
        script('while ! test -e /go; do sleep 0.05; done; exit 7'),
      );
      const { id } = request;
      await under().runtime.createContainer(request, { signal });
      await under().runtime.startContainer(id, { signal });

      const runtime = await under().reopen();
      await using log = new EventLog(runtime);
      await runtime.listContainers({ signal });
      await runtime.exec(id, { args: ['touch', '/go'], outputLimit: 0 }, { signal });
      expect(await log.exitOf(id)).toMatchObject({ exitCode: 7 });
      expect(log.exitsOf(id)).toHaveLength(1);
      await runtime.removeContainer(id, { signal });
    });

    it('starts nothing twice: a start that is repeated by the next run tells what became of the first (CTD-30)', async () => {
      const request = await requestOf(under(), 'started-before', script('exit 4'));
      const { id } = request;
      const first = under().runtime;
      await first.createContainer(request, { signal });
      const started = await first.startContainer(id, { signal });
      await until(async () => (await first.observeContainer(id, { signal })).state === 'exited', {
        what: 'it has ended',
      });

      const runtime = await under().reopen();
      await using log = new EventLog(runtime);
      const again = await runtime.startContainer(id, { signal });
      expect(again.startedAt).toBe(started.startedAt);
      if (!under().keepsExits) expect(again).toEqual(started);
      expect(await log.exitOf(id)).toMatchObject({ exitCode: 4 });
      await runtime.removeContainer(id, { signal });
    });
  });
}
