import { describe, expect, it } from 'vitest';
import { readGpuInfo } from '../../../src/host/gpus.ts';

const gpusOf = (text: string | undefined) => readGpuInfo('/info.json', async () => text);

describe('the GPUs of a host', () => {
  it('are those that the file tells', async () => {
    expect(await gpusOf('{"DriverVersion":" 550.54.15 ","GPUIDs":["GPU-1","GPU-2","GPU-1"]}')).toEqual({
      driverVersion: '550.54.15',
      ids: ['GPU-1', 'GPU-2'],
    });
    expect(await gpusOf('{"DriverVersion":"","GPUIDs":null}')).toEqual({ ids: [] });
  });

  it('are not known without the file', async () => {
    expect(await gpusOf(undefined)).toBeUndefined();
  });

  it.each(['', 'GPU-1', '[]', '{"GPUIDs":"GPU-1"}', '{"GPUIDs":[1]}', '{"GPUIDs":[""]}'])(
    'are refused when it cannot be understood: %j',
    async (text) => {
      await expect(gpusOf(text)).rejects.toThrow(
        /^\/info\.json does not tell the GPUs.*ECS_ENABLE_GPU_SUPPORT$/,
      );
    },
  );
});
