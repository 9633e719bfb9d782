import { readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainerdClient } from '../../src/runtime/containerd/client.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { unmountUnder } from '../support/mounts.ts';
import { shimProcesses } from '../support/processes.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';

const OBEDIENT = 'trap "exit 9" TERM; echo started; while :; do sleep 0.05; done';

describe('a state store that fails under running tasks', () => {
  let world: EcsWorld;
  beforeAll(async () => {
    world = await EcsWorld.start();
    await world.register('task', OBEDIENT, { memory: 16 });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const dataDir = () => world.scratch.path('data');
  /** Writes nonsense over what the containers carry. */
  const garbleCopies = async (): Promise<void> => {
    const { signal } = new AbortController();
    const client = new ContainerdClient({ address: world.containerd.address, namespace: world.namespace });
    const { containers } = await client.unary('containers', 'List', { filters: [] }, { signal });
    for (const { id, extensions } of containers) {
      const container = {
        id,
        extensions: Object.fromEntries(
          Object.keys(extensions).map((name) => [name, { type_url: name, value: Buffer.from('nonsense') }]),
        ),
      };
      await client.unary(
        'containers',
        'Update',
        { container, updateMask: { paths: ['extensions'] } },
        { signal },
      );
    }
    client.close();
  };
  const logged = (message: string) =>
    readFileSync(world.scratch.path('agent.log'), 'utf8')
      .split('\n')
      .filter((line) => line.includes(message));

  const damages: readonly [string, () => Readonly<Record<string, string>>][] = [
    [
      'deleted',
      () => {
        rmSync(dataDir(), { recursive: true });
        return {};
      },
    ],
    [
      'garbled',
      () => {
        writeFileSync(`${dataDir()}/agent.db`, Buffer.alloc(8_192, 0xa5), { flag: 'r+' });
        return {};
      },
    ],
    [
      'cut in half',
      () => {
        const file = `${dataDir()}/agent.db`;
        truncateSync(file, Math.floor(statSync(file).size / 2));
        for (const part of ['wal', 'shm']) rmSync(`${file}-${part}`, { force: true });
        return {};
      },
    ],
    ['somewhere else', () => ({ ECS_DATADIR: world.scratch.path('other') })],
  ];

  it.each(damages)(
    '%s while the agent was dead: tasks are gone on with as those of the same instance, and end with their codes',
    async (_, damage) => {
      const before = await world.agent.ask();
      const arns = await world.run('task', 2);
      await world.reach('RUNNING', arns);
      const shims = shimProcesses(world.containerd.address).map(({ pid }) => pid);
      await world.agent.kill('SIGKILL');
      const wentOn = () => logged('gone on with from its containers').length;
      const wentOnBefore = wentOn();
      await world.agent.start(damage());
      const after = await world.agent.ask();
      expect(after?.containerInstanceArn).toBe(before?.containerInstanceArn);
      expect(after?.tasks.map(({ arn }) => arn).toSorted()).toEqual(arns.toSorted());
      await until(async () => (await world.agent.ask())?.tasks.every(({ known }) => known === 'RUNNING'), {
        what: 'they are found running',
      });
      expect(wentOn() - wentOnBefore).toBe(2);
      expect(shimProcesses(world.containerd.address).map(({ pid }) => pid)).toEqual(shims);
      expect((await world.describe(...arns)).map(({ lastStatus }) => lastStatus)).toEqual([
        'RUNNING',
        'RUNNING',
      ]);
      await world.stop(...arns);
      for (const task of await world.reach('STOPPED', arns)) {
        expect(task.stoppedReason).not.toMatch(/lost/);
        expect(task.containers[0]?.exitCode).toBe(9);
      }
      await world.expectClean();
      await world.agent.kill('SIGTERM');
      await world.agent.start();
    },
    60_000,
  );

  it('deleted, and the copies with the containers are not readable: tasks are stopped in order, told to ECS with their codes, and nothing is left', async () => {
    const arns = await world.run('task', 2);
    await world.reach('RUNNING', arns);
    await world.agent.kill('SIGKILL');
    rmSync(dataDir(), { recursive: true });
    await garbleCopies();
    await world.agent.start();
    for (const task of await world.reach('STOPPED', arns)) {
      expect(task.stoppedReason).toMatch(/^TaskStateError: The agent lost its record of this task/);
      expect(task.containers[0]?.exitCode).toBe(9);
    }
    await world.expectClean();
    expect(logged('stopping a task that the store does not know').length).toBeGreaterThanOrEqual(2);
  }, 60_000);

  it('deleted under the living agent: it is written anew, and a killed agent adopts its tasks', async () => {
    const arns = await world.run('task', 2);
    await world.reach('RUNNING', arns);
    rmSync(`${dataDir()}/agent.db`);
    const [later = ''] = await world.run('task');
    await world.reach('RUNNING', [later]);
    expect(logged('it is written anew')).toHaveLength(1);
    await world.agent.kill('SIGKILL');
    await world.agent.start();
    const all = [...arns, later];
    expect((await world.agent.ask())?.tasks.map(({ known }) => known)).toEqual(Array(3).fill('RUNNING'));
    await world.stop(...all);
    for (const task of await world.reach('STOPPED', all)) expect(task.containers[0]?.exitCode).toBe(9);
    await world.expectClean();
  }, 60_000);

  it('full: nothing is told that is not stored, and nothing is lost once there is space again', async () => {
    const disk = world.scratch.path('small');
    await world.agent.kill('SIGTERM');
    await run('mkdir', ['-p', disk]);
    await run('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk]);
    await world.agent.start({ ECS_DATADIR: disk });
    const [arn = ''] = await world.run('task');
    await world.reach('RUNNING', [arn]);
    await run('sh', ['-c', `dd if=/dev/zero of="$0"/filler bs=4096 2>/dev/null; true`, disk]);
    await world.stop(arn);
    await until(() => logged('database or disk is full').length > 0, {
      what: 'the agent says that it cannot store',
    });
    expect(await world.describe(arn)).toMatchObject([{ lastStatus: 'RUNNING' }]);
    rmSync(`${disk}/filler`);
    const [stopped] = await world.reach('STOPPED', [arn]);
    expect(stopped?.containers[0]?.exitCode).toBe(9);
    await until(async () => (await world.agent.ask())?.tasks.length === 0, { what: 'it is cleaned up' });
    await world.agent.kill('SIGTERM');
    await unmountUnder(disk);
    await world.agent.start();
    await world.expectClean();
  }, 60_000);
});
