import { describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { requestOf, script } from './containers.ts';
import type { LimitsUnderTest } from './runtime-under-test.ts';

/** What a runtime does with work that its caller has for it before the process runs. */
export function startContract(under: () => LimitsUnderTest): void {
  describe('before the process', () => {
    const { signal } = new AbortController();

    it('nothing runs until that is done, and it is not asked for again', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'before', script('sleep 1000'));
      const { id } = request;
      await runtime.createContainer(request, { signal });
      const completed = Promise.withResolvers<void>();
      let calls = 0;
      const beforeProcess = () => {
        calls += 1;
        return completed.promise;
      };
      const starting = runtime.startContainer(id, { signal, beforeProcess });
      await until(() => calls > 0, { what: 'it is asked for' });
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'created' });
      completed.resolve();
      await starting;
      expect(await runtime.observeContainer(id, { signal })).toMatchObject({ state: 'running' });
      await runtime.startContainer(id, { signal, beforeProcess });
      expect(calls).toBe(1);
      await runtime.removeContainer(id, { signal });
    });

    it('its failure is told as it came, leaves nothing that runs, and a later start makes good for it', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'before-fails', script('sleep 1000'));
      const { id } = request;
      await runtime.createContainer(request, { signal });
      const failure = new Error('the network is not there');
      const beforeProcess = () => Promise.reject(failure);
      await expect(runtime.startContainer(id, { signal, beforeProcess })).rejects.toBe(failure);
      expect(await runtime.observeContainer(id, { signal })).toEqual({ state: 'created' });
      await runtime.startContainer(id, { signal });
      expect(await runtime.observeContainer(id, { signal })).toMatchObject({ state: 'running' });
      await runtime.removeContainer(id, { signal });
    });
  });
}
