import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerStdio, CreateContainer } from '../../../src/runtime/runtime.ts';
import type { ContainerId } from '../../../src/task/ids.ts';
import { until } from '../../support/until.ts';
import { ContainerdStage } from './containerd-stage.ts';
import { firstWrongNumber, LogStage } from './log-stage.ts';

let host: ContainerdStage;
let stage: LogStage;
const signal = AbortSignal.timeout(240_000);

beforeAll(async () => {
  host = await ContainerdStage.open();
});
afterAll(async () => {
  await host[Symbol.asyncDispose]();
});
beforeEach(async () => {
  stage = await LogStage.open();
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

async function start(
  name: string,
  script: string,
  stdio: ContainerStdio,
  more: Partial<CreateContainer> = {},
): Promise<ContainerId> {
  return await host.start(name, script, stdio, { signal, ...more });
}

async function logged(name: string): Promise<ContainerStdio> {
  return await stage.stdio(stage.request(name));
}

async function end(id: ContainerId): Promise<number | undefined> {
  return await host.end(id, (ended) => stage.finish(ended), signal);
}

/** Numbers at about 1 MB/s for some seconds. */
const BLOCKS = 150;
const NUMBERS = `i=0; while [ $i -lt ${BLOCKS} ]; do seq $((i*3000+1)) $(((i+1)*3000)); i=$((i+1)); usleep 15000; done`;

describe('a container of containerd', () => {
  test('is created without a hang and has all its output kept, also a last line without an end (LOG-88, LOG-76)', async () => {
    const id = await start(
      'plain',
      'seq 1 50000; printf "no end"; echo oops >&2; exit 3',
      await logged('plain'),
    );
    expect(await end(id)).toBe(3);
    const text = stage.textOf(id, 'stdout');
    expect(text.endsWith('\nno end')).toBe(true);
    expect(firstWrongNumber(text.slice(0, -'no end'.length), 50_000)).toBeUndefined();
    expect(stage.textOf(id, 'stderr')).toBe('oops\n');
  });

  test('with a terminal has one stream, stdout (LOG-84)', async () => {
    const stdio = await logged('terminal');
    const id = await start('terminal', 'tty; echo to stderr >&2', stdio, { terminal: true });
    expect(await end(id)).toBe(0);
    expect(new Set(stage.jsonLines(id).map(({ stream }) => stream))).toEqual(new Set(['stdout']));
    expect(stage.textOf(id, 'stdout')).toMatch(/^\/dev\/\S+\r\nto stderr\r\n$/);
  });

  test('keeps the output of commands run in it out of its log (LOG-83)', async () => {
    const id = await start(
      'exec',
      'echo main; until [ -e /tmp/done ]; do usleep 20000; done',
      await logged('exec'),
    );
    const result = await host.runtime.exec(
      id,
      { args: ['sh', '-c', 'echo side; touch /tmp/done'], outputLimit: 100 },
      { signal },
    );
    expect(result).toEqual({ exitCode: 0, output: 'side\n' });
    await end(id);
    expect(stage.textOf(id, 'stdout')).toBe('main\n');
  });

  test('goes on without a signal while the log service is killed, again and again (LOG-4, LOG-90)', async () => {
    const id = await start('killed', NUMBERS, await logged('killed'));
    for (let kill = 0; kill < 3; kill++) {
      await stage.logs.list({ signal });
      await stage.killService();
    }
    expect(await end(id)).toBe(0);
    expect(firstWrongNumber(stage.textOf(id, 'stdout'), BLOCKS * 3000)).toBeUndefined();
  });

  test('loses, repeats and waits for nothing when the agent is killed (LOG-12, LOG-16)', async () => {
    await stage.disconnect();
    const agent = await stage.spawnAgent(stage.request('agent'));
    const id = await start('agent', NUMBERS, agent.stdio);
    await until(() => stage.linesSoFar(id) > 3000, { what: 'the container writes' });
    await agent.kill();
    const before = stage.linesSoFar(id);
    await until(() => stage.linesSoFar(id) > before + 6000, { what: 'it is logged without an agent' });
    await stage.connect();
    expect(await stage.logs.list({ signal })).toEqual([id]);
    expect(await end(id)).toBe(0);
    expect(firstWrongNumber(stage.textOf(id, 'stdout'), BLOCKS * 3000)).toBeUndefined();
  });

  test('loses and repeats nothing when containerd is restarted (LOG-15)', async () => {
    const id = await start('restart', NUMBERS, await logged('restart'));
    await until(() => stage.linesSoFar(id) > 3000, { what: 'the container writes' });
    await host.containerd.kill('SIGKILL');
    await host.containerd.restart();
    expect(await end(id)).toBe(0);
    expect(firstWrongNumber(stage.textOf(id, 'stdout'), BLOCKS * 3000)).toBeUndefined();
  });

  test('writes to nowhere with the driver none, and nothing blocks (LOG-87, LOG-1)', async () => {
    const stdio = await stage.stdio(stage.request('none', { driver: 'none' }));
    const id = await start(
      'none',
      'readlink /proc/self/fd/1; [ /proc/self/fd/1 -ef /dev/null ] && dd if=/dev/zero bs=64k count=100',
      stdio,
    );
    expect(await end(id)).toBe(0);
    expect(await stage.logs.list({ signal })).toEqual([]);
  });
});
