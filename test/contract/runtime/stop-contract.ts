import { describe, expect, it, vi } from 'vitest';
import { steadyNow } from '../../../src/async/clock.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import { ARN, EventLog, requestOf, script } from './containers.ts';
import type { RuntimeUnderTest } from './runtime-under-test.ts';

/** Long enough that a test which waits for it fails. */
const NEVER_MS = 120_000;

export function stopContract(under: () => RuntimeUnderTest): void {
  describe('stop', () => {
    const { signal } = new AbortController();

    /** A container that has come to the point where it obeys signals: `ready` is there. */
    async function running(name: string, text: string, image?: string) {
      const { runtime } = under();
      const request = await requestOf(under(), name, {
        ...script(`${text.replace('READY', 'touch /ready')}`),
        ...(image !== undefined && { image }),
      });
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      const test = { args: ['test', '-e', '/ready'], outputLimit: 0 };
      await until(async () => (await runtime.exec(request.id, test, { signal })).exitCode === 0, {
        what: `${name} is ready`,
      });
      return { runtime, id: request.id };
    }

    const obeys = (name: string) => `trap "exit 9" ${name}; READY; while true; do sleep 0.05; done`;

    it('ends a process by SIGTERM when nothing else is named (CTD-21)', async () => {
      const { runtime, id } = await running('stop-term', obeys('TERM'));
      await using log = new EventLog(runtime);
      const exit = await runtime.stopContainer(id, { killAtMs: Date.now() + NEVER_MS }, { signal });
      expect(exit).toMatchObject({ exitCode: 9, oomKilled: false });
      expect(await log.exitOf(id)).toEqual(exit);
      await runtime.removeContainer(id, { signal });
    });

    it("ends a process by its image's stop signal (CTD-21)", async () => {
      const { runtime, id } = await running('stop-image', obeys('USR1'), under().imageWithStopSignal);
      const exit = await runtime.stopContainer(id, { killAtMs: Date.now() + NEVER_MS }, { signal });
      expect(exit?.exitCode).toBe(9);
      await runtime.removeContainer(id, { signal });
    });

    it('ends a process by the signal asked for, by name or number (CTD-21)', async () => {
      for (const stopSignal of ['SIGINT', '2']) {
        const { runtime, id } = await running(`stop-${stopSignal}`, obeys('INT'));
        const exit = await runtime.stopContainer(
          id,
          { stopSignal, killAtMs: Date.now() + NEVER_MS },
          { signal },
        );
        expect(exit?.exitCode).toBe(9);
        await runtime.removeContainer(id, { signal });
      }
    });

    it('kills a process that ignores its stop signal when the time is over (CTD-21)', async () => {
      const { runtime, id } = await running(
        'stop-deaf',
        'trap "" TERM; READY; while true; do sleep 0.05; done',
      );
      const killAtMs = Date.now() + 1000;
      const exit = await runtime.stopContainer(id, { killAtMs }, { signal });
      expect(exit?.exitCode).toBe(137);
      expect(exit?.exitedAt).toBeGreaterThanOrEqual(killAtMs - 50);
      await runtime.removeContainer(id, { signal });
    });

    it('kills at once when the time is over already', async () => {
      const { runtime, id } = await running('stop-late', obeys('TERM'));
      const exit = await runtime.stopContainer(id, { killAtMs: 0 }, { signal });
      expect(exit?.exitCode).toBe(137);
      await runtime.removeContainer(id, { signal });
    });

    it('takes children along that outlive nothing', async () => {
      const { runtime, id } = await running('stop-children', 'sleep 1001 & sleep 1002 & READY; wait');
      await runtime.stopContainer(id, { killAtMs: 0 }, { signal });
      await runtime.removeContainer(id, { signal });
      await under().expectNothingLeft();
    });

    it('gives nothing for a container that never ran, or is not there (CTD-65)', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'stop-created');
      await runtime.createContainer(request, { signal });
      expect(await runtime.stopContainer(request.id, { killAtMs: 0 }, { signal })).toBeUndefined();
      await runtime.removeContainer(request.id, { signal });
      const absent = containerIdOf(ARN, 'stop-absent', 0);
      expect(await runtime.stopContainer(absent, { killAtMs: 0 }, { signal })).toBeUndefined();
    });

    it('gives the exit of a container that has ended by itself (CTD-65)', async () => {
      const { runtime } = under();
      await using log = new EventLog(runtime);
      const request = await requestOf(under(), 'stop-ended', script('exit 5'));
      await runtime.createContainer(request, { signal });
      await runtime.startContainer(request.id, { signal });
      const exit = await log.exitOf(request.id);
      expect(await runtime.stopContainer(request.id, { killAtMs: 0 }, { signal })).toEqual(exit);
      await runtime.removeContainer(request.id, { signal });
    });

    it.each([
      ['forward', 'does not cut the grace short', 60 * 60_000, 'sleep 1; exit 9', NEVER_MS, 9],
      ['back', 'does not put off the SIGKILL', -60 * 60_000, 'true', 500, 137],
    ])('a clock that is set an hour %s %s', async (way, _, jumpMs, onTerm, graceMs, exitCode) => {
      const obeying = `trap "${onTerm}" TERM; READY; while true; do sleep 0.05; done`;
      const { runtime, id } = await running(`stop-clock-${way}`, obeying);
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + jumpMs });
      try {
        const exit = await runtime.stopContainer(id, { killAtMs: steadyNow() + graceMs }, { signal });
        expect(exit).toMatchObject({ exitCode });
      } finally {
        vi.useRealTimers();
      }
      await runtime.removeContainer(id, { signal });
    });

    it('leaves a container running when the stop is aborted before the kill', async () => {
      const { runtime, id } = await running(
        'stop-aborted',
        'trap "" TERM; READY; while true; do sleep 0.05; done',
      );
      const controller = new AbortController();
      const reason = new Error('changed my mind');
      const stopping = runtime.stopContainer(
        id,
        { killAtMs: Date.now() + NEVER_MS },
        { signal: controller.signal },
      );
      const rejected = expect(stopping).rejects.toBe(reason);
      controller.abort(reason);
      await rejected;
      expect((await runtime.observeContainer(id, { signal })).state).toBe('running');
      await runtime.removeContainer(id, { signal });
    });
  });
}
