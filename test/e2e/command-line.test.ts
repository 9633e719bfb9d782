import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENT_PROGRAM } from '../support/agent.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { tryRun } from '../support/run.ts';

const agent = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  tryRun(process.execPath, [AGENT_PROGRAM, ...args], {
    env: { ECS_IGNORE_CONFIG_FILES: 'true', AWS_EC2_METADATA_DISABLED: 'true', ...env },
  });

describe('the command line', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start();
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('asks a running agent whether it is well, by its introspection port (CFG-57)', async () => {
    expect(await agent(['-healthcheck'])).toMatchObject({ exitCode: 0 });
    const elsewhere = await agent(['-healthcheck'], { ECS_AGENT_HEALTHCHECK_HOST: '127.0.0.9' });
    expect(elsewhere.exitCode).toBe(1);
    expect(elsewhere.stderr).toContain('http://127.0.0.9:51678/v1/metadata');
  });

  it('prints version and capabilities', async () => {
    expect((await agent(['-version'])).stdout).toMatch(/ - v\d+\.\d+\.\d+ /);
    const { stdout, exitCode } = await agent(['-ecs-attributes'], { AWS_DEFAULT_REGION: 'us-west-2' });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('com.amazonaws.ecs.capability.docker-remote-api.1.24');
    expect(stdout).toContain('ecs.capability.container-ordering');
    expect(stdout).not.toContain('task-eni');
  });

  it('ends with 5 on a flag that it does not know, and with 1 without a region', async () => {
    expect(await agent(['-nonsense'])).toMatchObject({
      exitCode: 5,
      stderr: expect.stringContaining('-nonsense'),
    });
    const noRegion = await agent([]);
    expect(noRegion).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/^configuration: .*AWS_DEFAULT_REGION/),
    });
  });
});
