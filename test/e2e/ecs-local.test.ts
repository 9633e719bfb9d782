import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pushTestImage } from '../support/push-image.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { tryRun } from '../support/run.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const PROGRAM = fileURLToPath(new URL('../../src/ecs-local/main.ts', import.meta.url));

describe('ecs-local', () => {
  let registry: TestRegistry;
  let scratch: Scratch;
  const arguments_ = (args: readonly string[]) => [PROGRAM, '--dir', scratch.path('stack'), ...args];
  const local = (...args: readonly string[]) =>
    tryRun(process.execPath, arguments_(args), { timeoutMs: 120_000 });

  beforeAll(async () => {
    scratch = makeScratch();
    registry = await startRegistry();
    const { reference } = await pushTestImage(registry, 'local:1');
    const definition = {
      family: 'local',
      networkMode: 'host',
      containerDefinitions: [
        {
          name: 'app',
          image: reference,
          memory: 16,
          command: [
            'sh',
            '-c',
            'trap "exit 4" TERM; i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.1; done',
          ],
        },
      ],
    };
    writeFileSync(scratch.path('taskdef.json'), JSON.stringify(definition));
    const [app] = definition.containerDefinitions;
    const containerDefinitions = [{ ...app, logConfiguration: { logDriver: 'awsfirelens' } }];
    writeFileSync(scratch.path('firelens.json'), JSON.stringify({ ...definition, containerDefinitions }));
  });
  afterAll(async () => {
    await registry?.stop();
    await scratch?.remove();
  });

  it('says what to do when nothing runs', async () => {
    const { exitCode, stderr } = await local('ps');
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/no local stack runs in .*ecs-local -- up/);
  });

  it('brings a stack up, runs a task, shows, follows, stops it, and takes everything down', async () => {
    const up = await local('up', '--port', '0');
    expect(up.stdout).toContain('The agent is connected');
    expect(up.exitCode).toBe(0);

    const refused = await local('run', scratch.path('firelens.json'));
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toMatch(
      /not placed: ATTRIBUTE .*: com\.amazonaws\.ecs\.capability\.logging-driver\.awsfirelens \(docs/,
    );

    const ran = await local('run', scratch.path('taskdef.json'));
    const id = /task\/default\/([0-9a-f]{32})/.exec(ran.stdout)?.[1] ?? '';
    expect(ran.stdout).toMatch(/^local:2 {2}arn:aws:ecs:/);
    await until(async () => (await local('ps')).stdout.includes('RUNNING'), {
      what: 'the task runs',
      timeoutMs: 30_000,
    });
    expect((await local('ps')).stdout).toMatch(new RegExp(`^TASK .*\\n${id.slice(0, 12)} +local:2 +RUNNING`));

    const followed = spawn(process.execPath, arguments_(['logs', '-f', id.slice(0, 8)]), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    followed.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await until(() => output.split('\n').length > 5, { what: 'lines are followed', timeoutMs: 20_000 });
    followed.kill('SIGINT');
    await once(followed, 'exit');
    expect(output).toMatch(/^line 1\nline 2\nline 3\n/);
    expect((await local('logs', '--tail', '2', '--timestamps', id)).stdout).toMatch(
      /^(\d{4}-\d\d-\d\dT\S+Z line \d+\n){2}$/,
    );

    expect((await local('stop', id)).stdout).toContain('app STOPPED, exit code 4');
    expect((await local('ps')).stdout).toContain('no tasks are running');
    expect((await local('ps', '--all')).stdout).toMatch(/STOPPED .*exit code 4/);
    expect((await local('logs', 'nonsense')).stderr).toContain('no task "nonsense"');
    expect(await local('down')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('has ended') });
    expect((await local('ps')).stderr).toContain('no local stack runs');
  }, 180_000);
});
