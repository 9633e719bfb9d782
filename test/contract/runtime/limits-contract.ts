import { describe, expect, it } from 'vitest';
import type { ContainerLimits } from '../../../src/runtime/runtime.ts';
import { containerIdOf } from '../../../src/task/ids.ts';
import { ARN, requestOf, script } from './containers.ts';
import type { LimitsUnderTest } from './runtime-under-test.ts';

const MIB = 1024 * 1024;

/** How limits change while a container runs; needs no program in it, so that the fake keeps to it too. */
export function limitsContract(under: () => LimitsUnderTest): void {
  describe('limits', () => {
    const { signal } = new AbortController();

    async function running(name: string, limits: ContainerLimits) {
      const { runtime } = under();
      const request = await requestOf(under(), name, { ...script('sleep 1000'), limits });
      await runtime.createContainer(request, { signal });
      const { pid } = await runtime.startContainer(request.id, { signal });
      return {
        id: request.id,
        change: (change: Partial<ContainerLimits>) => runtime.updateLimits(request.id, change, { signal }),
        observe: () => under().limitsOf(request.id, pid),
        async [Symbol.asyncDispose]() {
          await runtime.stopContainer(request.id, { killAtMs: 0 }, { signal });
          await runtime.removeContainer(request.id, { signal });
        },
      };
    }

    it('are what was asked for from the start', async () => {
      const limits = { cpuShares: 512, memoryBytes: 64 * MIB, pidsLimit: 50, cpuQuotaUs: 50_000 };
      await using container = await running('limited', limits);
      expect(await container.observe()).toEqual(limits);
    });

    it('change at once, up and down, and those that are not named stay', async () => {
      const limits = { cpuShares: 512, memoryBytes: 64 * MIB, pidsLimit: 50, cpuQuotaUs: 50_000 };
      await using container = await running('changed', limits);
      await container.change({ memoryBytes: 128 * MIB });
      expect(await container.observe()).toEqual({ ...limits, memoryBytes: 128 * MIB });
      await container.change({ memoryBytes: 32 * MIB, cpuShares: 1024 });
      await container.change({ pidsLimit: 20 });
      await container.change({ cpuQuotaUs: 80_000 });
      const changed = { cpuShares: 1024, memoryBytes: 32 * MIB, pidsLimit: 20, cpuQuotaUs: 80_000 };
      expect(await container.observe()).toEqual(changed);
      // A call that was cut off after its effect is made again.
      await container.change(changed);
      expect(await container.observe()).toEqual(changed);
    });

    it('of a container that does not run cannot change', async () => {
      const { runtime } = under();
      const request = await requestOf(under(), 'not-started', script('sleep 1000'));
      await runtime.createContainer(request, { signal });
      const change = { cpuShares: 512 };
      for (const id of [request.id, containerIdOf(ARN, 'never-made', 0)])
        await expect(runtime.updateLimits(id, change, { signal })).rejects.toMatchObject({
          code: 'NoSuchContainerError',
        });
      await runtime.removeContainer(request.id, { signal });
    });
  });
}
