import { describe, expect, it } from 'vitest';
import { findGpus, gpuRuntimeOf } from '../../src/agent-gpus.ts';
import { makeScratch } from '../support/scratch.ts';
import { configOf } from './config/config-world.ts';

describe('the GPUs that tasks may have', () => {
  it('are none while GPU support is off or the file is missing, and only the latter is an error', async () => {
    await using scratch = makeScratch();
    const errors: string[] = [];
    const found = async (env: Readonly<Record<string, string>>) => {
      const config = await configOf({ env: { ECS_GPU_INFO_FILE: scratch.path('none.json'), ...env } });
      return await findGpus(config, (text) => errors.push(text));
    };
    expect(await found({})).toEqual({ ids: [] });
    expect(errors).toEqual([]);
    expect(await found({ ECS_ENABLE_GPU_SUPPORT: 'true' })).toEqual({ ids: [] });
    expect(errors).toEqual([expect.stringContaining(`${scratch.path('none.json')}, which tells the GPUs`)]);
  });

  it.each([
    [{}, 'nvidia-container-runtime'],
    [{ ECS_NVIDIA_RUNTIME: '/opt/nvidia/runtime' }, '/opt/nvidia/runtime'],
    [{ ECS_RUNTIME: 'docker' }, 'nvidia'],
    [{ ECS_RUNTIME: 'docker', ECS_NVIDIA_RUNTIME: 'cdi' }, 'cdi'],
  ])('are put into containers by the OCI runtime that %j names: %s', async (env, name) => {
    expect(gpuRuntimeOf(await configOf({ env }))).toBe(name);
  });
});
