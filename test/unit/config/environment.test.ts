import { describe, expect, it } from 'vitest';
import {
  assembleEnvironment,
  installedEnvironment,
  parseEnvironmentFile,
} from '../../../src/config/environment.ts';
import { configOf } from './config-world.ts';

describe('the environment', () => {
  it('is base values, then the instance file, the user file and the process, each beating those before (CFG-62)', async () => {
    const files: Record<string, string> = {
      '/var/lib/ecs/ecs.config': 'B=instance\nC=instance\nD=instance\n',
      '/etc/ecs/ecs.config': 'C=user\nD=user\n',
    };
    const env = await assembleEnvironment({
      base: { A: 'base', B: 'base', C: 'base', D: 'base' },
      processEnv: { D: 'process' },
      readFile: async (path) => files[path],
    });
    expect(env).toMatchObject({ A: 'base', B: 'instance', C: 'user', D: 'process' });
  });

  it('is split at the first = of each line, without unquoting (CFG-63)', () => {
    const text = '  A=b=c  \nQ="x y"\n# note\n#K=v\nnothing\n\nE=\nA=last\r\n';
    expect(parseEnvironmentFile(text)).toEqual({ A: 'last', Q: '"x y"', '#K': 'v', E: '' });
  });

  it('of an installed agent keeps state, serves roles and names the system', async () => {
    const os = 'NAME="Amazon Linux"\nID="amzn"\nVERSION_ID="2023"\n';
    const env = await installedEnvironment(async (path) => (path === '/etc/os-release' ? os : undefined));
    expect(await configOf({ env: { ...(env as Record<string, string>) } })).toMatchObject({
      checkpoint: true,
      dataDirectory: '/var/lib/ecs/data',
      taskIamRole: true,
      taskEni: true,
      detailedOsFamily: 'amzn_2023',
    });
  });
});
