import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { leakCheck } from '../support/leak-check.ts';
import { hostProcesses } from '../support/processes.ts';
import { pushTestImage } from '../support/push-image.ts';
import { startRegistry } from '../support/registry.ts';
import { tryRun } from '../support/run.ts';
import { makeScratch } from '../support/scratch.ts';

const QUICKSTART = fileURLToPath(new URL('../../scripts/quickstart', import.meta.url));
/** What it says of the packages comes from setup, which has tests of its own. */
async function run(...args: readonly string[]) {
  const result = await tryRun(QUICKSTART, args, { timeoutMs: 110_000 });
  return { ...result, stderr: result.stderr.replace(/^setup: .*\n/gm, '') };
}
const stacks = () => readdirSync(tmpdir()).filter((name) => name.startsWith('ecs-quickstart-'));
const stackProcesses = () =>
  hostProcesses().filter(({ args }) => args.some((arg) => arg.includes('/ecs-quickstart-')));

describe('quickstart', () => {
  it('runs the demo to its end, shows each state with its time and leaves nothing behind', async () => {
    const before = stacks();
    const leaks = await leakCheck({
      cgroups: ['/ecs-local'],
      ignore: (finding) => !finding.includes('ecs-quickstart') && !finding.startsWith('cgroup'),
    });
    const { exitCode, stdout, stderr } = await run();
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    const states = [...stdout.matchAll(/^ +\d+\.\d\d s {2}(\S+)/gm)].map((match) => match[1]);
    expect(states[0]).toBe('PENDING');
    expect(states).toContain('pulling');
    expect(states.indexOf('RUNNING')).toBeGreaterThan(states.indexOf('pulling'));
    expect(states.filter((state) => state === 'log').length).toBe(7);
    expect(states.at(-1)).toBe('STOPPED');
    expect(stdout).toMatch(/STOPPED +demo {2}exit code 0/);
    await leaks.expectNone();
    expect(stackProcesses()).toEqual([]);
    expect(stacks()).toEqual(before);
    expect(existsSync('/sys/fs/cgroup/memory/ecs-local')).toBe(false);
  }, 120_000);

  it('runs a task definition of yours, and fails when the task does', async () => {
    await using registry = await startRegistry();
    await using scratch = makeScratch();
    const { reference } = await pushTestImage(registry, 'mine:1');
    const file = scratch.path('taskdef.json');
    writeFileSync(
      file,
      JSON.stringify({
        family: 'mine',
        networkMode: 'none',
        containerDefinitions: [
          { name: 'app', image: reference, memory: 32, command: ['sh', '-c', 'echo hi; exit 3'] },
        ],
      }),
    );
    const { exitCode, stdout } = await run(file);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/log +app {2}hi/);
    expect(stdout).toMatch(/STOPPED +app {2}exit code 3/);
    expect(stackProcesses()).toEqual([]);
  }, 120_000);

  it.each([
    ['/no/such/file.json', /cannot read \/no\/such\/file\.json/],
    ['--nonsense', /unknown option --nonsense/],
  ])(
    'says in one line what is wrong with %s',
    async (argument, message) => {
      const { exitCode, stderr } = await run(argument);
      expect(exitCode).toBe(1);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n').length).toBe(1);
    },
    60_000,
  );
});
