import { describe, expect, it } from 'vitest';
import { ArgumentsError, parseArguments, usage } from '../../../src/config/arguments.ts';
import { loadConfig } from '../../../src/config/load-config.ts';

describe('command line', () => {
  it('runs the agent without any flag', () => {
    expect(parseArguments([])).toEqual({
      command: 'run',
      blackholeMetadata: false,
      flags: { acceptInsecureCertificates: false },
    });
  });

  it.each([
    ['-version', 'version'],
    ['--version', 'version'],
    ['-version=true', 'version'],
    ['-version=false', 'run'],
    ['-license', 'license'],
    ['-healthcheck', 'healthcheck'],
    ['-ecs-attributes', 'attributes'],
    ['-h', 'help'],
  ])('takes %s as %s', (flag, command) => {
    expect(parseArguments([flag]).command).toBe(command);
  });

  it('takes -k and -blackhole-ec2-metadata', () => {
    expect(parseArguments(['-k', '-blackhole-ec2-metadata'])).toMatchObject({
      blackholeMetadata: true,
      flags: { acceptInsecureCertificates: true },
    });
  });

  it('sets both levels with -loglevel, which beats the specific flags (CFG-56, CFG-94)', () => {
    const both = parseArguments([
      '-loglevel-driver',
      'error',
      '-loglevel',
      'DEBUG',
      '-loglevel-on-instance=crit',
    ]);
    expect(both.flags).toMatchObject({ logLevel: 'debug', logLevelOnInstance: 'debug' });
  });

  it('sets one level with a specific flag', () => {
    expect(parseArguments(['-loglevel-driver=error']).flags).not.toHaveProperty('logLevelOnInstance');
  });

  it('beats the environment', async () => {
    const { config } = await loadConfig({
      env: { AWS_DEFAULT_REGION: 'us-west-2', ECS_LOGLEVEL: 'warn', ECS_LOGLEVEL_ON_INSTANCE: 'off' },
      readFile: async () => undefined,
      imds: { userData: async () => undefined, region: async () => undefined },
      flags: parseArguments(['-loglevel', 'debug', '-k']).flags,
    });
    expect(config).toMatchObject({
      logLevel: 'debug',
      logLevelOnInstance: 'debug',
      acceptInsecureCertificates: true,
    });
  });

  it.each([
    ['-nonsense'],
    ['word'],
    ['-loglevel'],
    ['-loglevel=loud'],
    ['-k=perhaps'],
    ['-constructor'],
    ['-'],
    ['--'],
    ['---k'],
  ])('exits with 5 for %s', (flag) => {
    expect(() => parseArguments([flag])).toThrow(ArgumentsError);
    expect(new ArgumentsError('x').exitCode).toBe(5);
  });

  it('explains every flag', () => {
    const text = usage('agent');
    for (const flag of ['-version', '-loglevel VALUE', '-healthcheck', '-blackhole-ec2-metadata'])
      expect(text).toContain(flag);
  });
});
