import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EcsWorld } from '../support/ecs-world.ts';
import { hostProcesses } from '../support/processes.ts';
import { run } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const repository = join(import.meta.dirname, '../..');

describe('the bundled agent', () => {
  const scratch = makeScratch();
  const bundle = scratch.path('bundle');
  const compiled = () => readdirSync(join(bundle, 'cache'), { recursive: true }).length;
  let world: EcsWorld;
  beforeAll(async () => {
    await run(join(repository, 'scripts/bundle'), ['--out', bundle], { timeoutMs: 60_000 });
    world = await EcsWorld.start({ agentProgram: [join(bundle, 'ecs-agent')] });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await scratch.remove();
  });

  it('runs a task to its end with the log service of the bundle', async () => {
    await world.register('bundled', 'echo from a bundle; exit 3');
    const [task] = await world.reach('STOPPED', await world.run('bundled'));
    expect(task?.containers[0]).toMatchObject({ exitCode: 3 });
    const { args } =
      hostProcesses().find(({ args: all }) => all.includes(world.scratch.path('run')) && all.length > 3) ??
      {};
    expect(args?.[0]).toBe(join(bundle, 'node'));
    expect(args).toContain(join(bundle, 'lib/log-service.js'));
    await world.expectClean();
  });

  it('keeps what it has compiled for its next start', async () => {
    await until(() => compiled() > 10, { what: 'what the agent has compiled is on the disk' });
  });

  it('has the AWS SDK client in files that the agent never loads', () => {
    const names = readdirSync(join(bundle, 'lib')).filter((name) => name.endsWith('.js'));
    const files = names.map((name) => ({ name, text: readFileSync(join(bundle, 'lib', name), 'utf8') }));
    // An operation that only the SDK's client knows.
    const client = files.filter(({ text }) => text.includes('DescribeCapacityProviders'));
    expect(client.length).toBe(1);
    expect(filesBehind('main.js', files)).not.toContain(client[0]?.name);
    expect(filesBehind('ecs-local.js', files)).toContain(client[0]?.name);
  });

  it('has the CNI plugins, which run on its Node and are compiled but once', async () => {
    const before = compiled();
    const plugins = readdirSync(join(bundle, 'cni')).filter((name) => name.startsWith('ecs-'));
    expect(plugins).toEqual(['ecs-branch-eni', 'ecs-eni', 'ecs-imds-block', 'ecs-onlink-trim']);
    for (const plugin of plugins) {
      const answer = await run(join(bundle, 'cni', plugin), [], {
        env: { CNI_COMMAND: 'VERSION', PATH: '/usr/bin:/bin' },
        input: '{"cniVersion":"1.0.0"}',
      });
      expect(JSON.parse(answer).supportedVersions).toContain('1.1.0');
    }
    expect(compiled()).toBeGreaterThanOrEqual(before + plugins.length);
  });

  it('holds the licences of what is in it', () => {
    const licences = readFileSync(join(bundle, 'THIRD-PARTY-LICENSES'), 'utf8');
    for (const name of [
      '@grpc/grpc-js',
      'koffi',
      'pino',
      'ws',
      'zod',
      'Node.js is licensed for use as follows',
    ])
      expect(licences).toContain(name);
  });
});

/** Files that come along when one is loaded, at once or later. */
function filesBehind(
  entry: string,
  files: readonly { readonly name: string; readonly text: string }[],
): ReadonlySet<string> {
  const found = new Set<string>();
  const visit = (name: string) => {
    if (found.has(name)) return;
    found.add(name);
    const text = files.find((file) => file.name === name)?.text ?? '';
    for (const [, next = ''] of text.matchAll(/["'`]\.\/([^"'`]+\.js)["'`]/g)) visit(next);
  };
  visit(entry);
  return found;
}
