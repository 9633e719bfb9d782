import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerdRuntime } from '../../../src/runtime/containerd/containerd-runtime.ts';
import { openContainerd } from '../../../src/runtime/containerd/open-containerd.ts';
import {
  type ContainerStdio,
  type CreateContainer,
  LABEL_CONTAINER_NAME,
  LABEL_TASK_ARN,
} from '../../../src/runtime/runtime.ts';
import { type ContainerId, containerIdOf } from '../../../src/task/ids.ts';
import { removeCgroups } from '../../support/cgroups.ts';
import { startContainerd, type TestContainerd } from '../../support/containerd.ts';
import { importTestImage } from '../../support/import-image.ts';
import { type LeakCheck, leakCheck } from '../../support/leak-check.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { firstWrongNumber, LogStage, TASK } from './log-stage.ts';

const IMAGE = 'registry.test/logs:1';
// runc's state of all test daemons is in one place: the namespace tells them apart.
const NAMESPACE = `ecs-logs-${process.pid}`;
const CGROUP = `/${NAMESPACE}`;
const AGENT = fileURLToPath(new URL('agent-child.ts', import.meta.url));

let containerd: TestContainerd;
let scratch: Scratch;
let runtime: ContainerdRuntime;
let leaks: LeakCheck;
let stage: LogStage;
const signal = AbortSignal.timeout(240_000);

beforeAll(async () => {
  containerd = await startContainerd();
  leaks = await leakCheck({
    containerd,
    namespaces: [NAMESPACE],
    cgroups: [],
    ignore: (finding) =>
      finding.startsWith('network namespace') ||
      (finding.startsWith('mount') && !finding.includes(dirname(containerd.stateDir))),
  });
  scratch = makeScratch();
  await importTestImage(containerd, NAMESPACE, IMAGE);
  runtime = await openContainerd({
    address: containerd.address,
    namespace: NAMESPACE,
    snapshotter: 'overlayfs',
    runtimeName: 'io.containerd.runc.v2',
    runDir: scratch.path('runtime'),
  });
});
afterAll(async () => {
  for (const { id } of await runtime.listContainers({ signal }))
    await runtime.removeContainer(id, { signal });
  await runtime.close();
  await leaks.expectNone();
  await containerd.stop();
  removeCgroups(CGROUP);
  rmSync(join('/run/containerd/runc', NAMESPACE), { recursive: true, force: true });
  await scratch.remove();
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
  const id = containerIdOf(TASK, name, 0);
  await runtime.createContainer(
    {
      id,
      name: `ecs-web-1-${name}`,
      taskArn: TASK,
      group: name,
      labels: { [LABEL_TASK_ARN]: TASK, [LABEL_CONTAINER_NAME]: name },
      image: IMAGE,
      entryPoint: ['sh', '-c'],
      command: [script],
      environment: {},
      terminal: false,
      openStdin: false,
      readonlyRootfs: false,
      capabilitiesAdd: [],
      capabilitiesDrop: [],
      ulimits: [],
      sysctls: {},
      mounts: [],
      tmpfs: {},
      network: { kind: 'isolated' },
      limits: { cpuShares: 128 },
      cgroup: { driver: 'cgroupfs', path: CGROUP },
      stdio,
      ...more,
    },
    { signal },
  );
  await runtime.startContainer(id, { signal });
  return id;
}

async function logged(name: string): Promise<ContainerStdio> {
  return await stage.logs.prepare(stage.request(name), { signal });
}

/** Waits for the exit, then ends the log, then the container, as the engine does. */
async function end(id: ContainerId): Promise<number | undefined> {
  const exit = await until(
    async () => {
      const seen = await runtime.observeContainer(id, { signal });
      return seen.state === 'exited' ? seen.exit : undefined;
    },
    { what: 'the container has exited', timeoutMs: 60_000, intervalMs: 100 },
  );
  await stage.finish(id);
  await runtime.releaseContainer(id, { signal });
  await runtime.removeContainer(id, { signal });
  return exit.exitCode;
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
    const result = await runtime.exec(
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
    const request = stage.request('agent');
    const agent = spawn(
      process.execPath,
      [AGENT, stage.runDir, stage.dataDir, '1000', JSON.stringify(request)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = await once(createInterface(agent.stdout), 'line');
    const id = await start('agent', NUMBERS, JSON.parse(String(line)));
    await until(() => stage.jsonLines(id).length > 3000, { what: 'the container writes' });
    agent.kill('SIGKILL');
    await once(agent, 'exit');
    const before = stage.jsonLines(id).length;
    await until(() => stage.jsonLines(id).length > before + 6000, { what: 'it is logged without an agent' });
    await stage.connect();
    expect(await stage.logs.list({ signal })).toEqual([id]);
    expect(await end(id)).toBe(0);
    expect(firstWrongNumber(stage.textOf(id, 'stdout'), BLOCKS * 3000)).toBeUndefined();
  });

  test('loses and repeats nothing when containerd is restarted (LOG-15)', async () => {
    const id = await start('restart', NUMBERS, await logged('restart'));
    await until(() => stage.jsonLines(id).length > 3000, { what: 'the container writes' });
    await containerd.kill('SIGKILL');
    await containerd.restart();
    expect(await end(id)).toBe(0);
    expect(firstWrongNumber(stage.textOf(id, 'stdout'), BLOCKS * 3000)).toBeUndefined();
  });

  test('writes to nowhere with the driver none, and nothing blocks (LOG-87, LOG-1)', async () => {
    const stdio = await stage.logs.prepare(stage.request('none', { driver: 'none' }), { signal });
    const id = await start(
      'none',
      'readlink /proc/self/fd/1; [ /proc/self/fd/1 -ef /dev/null ] && dd if=/dev/zero bs=64k count=100',
      stdio,
    );
    expect(await end(id)).toBe(0);
    expect(await stage.logs.list({ signal })).toEqual([]);
  });
});
