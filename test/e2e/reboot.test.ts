import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AGENT_PROGRAM } from '../support/agent.ts';
import { removeContainerdRemains } from '../support/containerd-remains.ts';
import { EcsWorld } from '../support/ecs-world.ts';
import { unmountUnder } from '../support/mounts.ts';
import { hostProcesses, killAll } from '../support/processes.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

const OBEDIENT = 'trap "exit 9" TERM; echo started; while :; do sleep 0.05; done';

describe('a restart of the host', () => {
  let world: EcsWorld;
  let scratch: Scratch;
  const bootIs = (id: string) => writeFileSync(scratch.path('boot-id'), `${id}\n`);
  beforeAll(async () => {
    scratch = makeScratch();
    bootIs('00000000-0000-4000-8000-000000000001');
    // The agent sees a boot id of this test's making; the machine's own stays as it is.
    const bind = 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"';
    world = await EcsWorld.start({
      agentProgram: [
        'unshare',
        '--mount',
        'sh',
        '-c',
        bind,
        scratch.path('boot-id'),
        process.execPath,
        AGENT_PROGRAM,
      ],
    });
  });
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
    await scratch?.remove();
  });

  /** What a power cut leaves: disks. Processes, mounts, cgroups and everything below /run are gone. */
  async function cutPower(): Promise<void> {
    const runDir = world.scratch.path('run');
    await world.agent.kill('SIGKILL');
    await world.containerd.kill('SIGKILL');
    await killAll(
      hostProcesses()
        .filter(({ args }) => args.includes(runDir))
        .map(({ pid }) => pid),
    );
    const { rootDir, stateDir, address } = world.containerd;
    await removeContainerdRemains({ rootDir, stateDir, address });
    await unmountUnder(stateDir);
    rmSync(stateDir, { recursive: true, force: true });
    rmSync(runDir, { recursive: true, force: true });
  }

  it('ends every task of before with a reason and no exit code, and new ones run (ENG-123)', async () => {
    await world.register('before', OBEDIENT, { memory: 16 });
    const arns = await world.run('before', 3);
    await world.reach('RUNNING', arns);
    await cutPower();
    bootIs('00000000-0000-4000-8000-000000000002');
    await world.containerd.restart();
    await world.agent.start();
    for (const task of await world.reach('STOPPED', arns)) {
      expect(task.containers[0]?.exitCode).toBeUndefined();
      expect(task.containers[0]?.reason).toMatch(/^ContainerVanishedError: The host has restarted/);
    }
    const [later = ''] = await world.run('before');
    await world.reach('RUNNING', [later]);
    await world.stop(later);
    const [stopped] = await world.reach('STOPPED', [later]);
    expect(stopped?.containers[0]?.exitCode).toBe(9);
    await world.expectClean();
    expect(existsSync(world.scratch.path('run'))).toBe(true);
  }, 90_000);
});
