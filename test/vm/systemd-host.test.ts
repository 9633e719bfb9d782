import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DescribedTask } from '../support/aws-ecs.ts';
import { VmWorld } from './vm-world.ts';

const LOG_UNIT = 'ecs-containerd-agent-logs.service';
const COUNTING = 'trap "exit 7" TERM; i=0; while :; do i=$((i+1)); echo "line $i"; sleep 0.2; done';
const REACH_MS = 180_000;

/** One boot for all; tests build on one another. */
describe('a machine with containerd, systemd and cgroup v2, and no Docker', () => {
  let world: VmWorld;
  let counting: DescribedTask;
  let containerPid: string;

  const idOf = (task: DescribedTask | undefined) => task?.taskArn.split('/').at(-1) ?? '';
  const runtimeIdOf = (task: DescribedTask | undefined) => task?.containers[0]?.runtimeId ?? '';
  const pidOf = async (task: DescribedTask) =>
    await world.machine.run(`ctr -n ecs tasks ls | awk '$1 == "${runtimeIdOf(task)}" { print $2 }'`);
  const agentPid = () => world.mainPid('ecs');
  const start = async (family: string): Promise<DescribedTask> => {
    const [task] = await world.reach('RUNNING', await world.run(family), REACH_MS);
    if (task === undefined) throw new Error('not started');
    return task;
  };
  /** Waits until the counting task has written more, and finds it the same process. */
  const expectCountingOn = async () => {
    const before = (await world.logLines(runtimeIdOf(counting))).length;
    await world.machine.reach(
      `wc -l < /var/lib/ecs/data/logs/${runtimeIdOf(counting)}/*-json.log`,
      (count) => Number(count) > before + 3,
    );
    expect(await pidOf(counting)).toBe(containerPid);
    const [task] = await world.describe(counting.taskArn);
    expect(task).toMatchObject({ lastStatus: 'RUNNING', containers: [{ runtimeId: runtimeIdOf(counting) }] });
  };

  beforeAll(async () => {
    world = await VmWorld.start();
  }, 600_000);
  afterAll(async () => {
    await world?.[Symbol.asyncDispose]();
  }, 60_000);

  it('waits for containerd and says so in its status', async () => {
    // Masked: the unit wants containerd, so that its start would start it.
    await world.machine.run('systemctl mask --runtime containerd && systemctl stop containerd');
    await world.machine.run('systemctl start --no-block ecs');
    const unit = await world.machine.reach('systemctl show ecs', (text) =>
      text.includes('StatusText=waiting for containerd'),
    );
    expect(unit).toContain('ActiveState=activating');
    await world.machine.run('systemctl unmask --runtime containerd && systemctl start containerd');
  });

  it('becomes active once it is registered, and says that it is connected', async () => {
    await world.connected();
    const unit = await world.unit('ecs');
    expect(unit).toMatchObject({ Type: 'notify', SubState: 'running', KillMode: 'process', NRestarts: '0' });
    expect(unit.StatusText).toMatch(/^connected to ECS; cluster default, container instance arn:aws:ecs:/);
    expect((await world.machine.tryRun('command -v dockerd docker')).exitCode).toBe(1);
  });

  it('has its log service in a unit of its own', async () => {
    expect(await world.unit(LOG_UNIT)).toMatchObject({ ActiveState: 'active', NRestarts: '0' });
    const members = await world.machine.run('cat /sys/fs/cgroup/system.slice/ecs.service/cgroup.procs');
    expect(members).toBe(await agentPid());
  });

  it('keeps the limits of a task in its systemd slice (RES-04)', async () => {
    await world.register('count', COUNTING, { memory: 48 }, { cpu: '512', memory: '128' });
    counting = await start('count');
    containerPid = await pidOf(counting);
    const slice = `/sys/fs/cgroup/ecstasks.slice/ecstasks-${idOf(counting)}.slice`;
    expect(await world.machine.run(`cat ${slice}/memory.max ${slice}/cpu.max`)).toBe(
      '134217728\n50000 100000',
    );
    const scope = `ecs-${runtimeIdOf(counting)}.scope`;
    expect(await world.machine.run(`cat ${slice}/${scope}/memory.max`)).toBe(String(48 * 1024 * 1024));
    expect(await world.machine.run(`cat /proc/${containerPid}/cgroup`)).toBe(
      `0::/ecstasks.slice/ecstasks-${idOf(counting)}.slice/${scope}`,
    );
    // systemd knows the limit too, so that a daemon-reload does not undo it.
    await world.machine.run('systemctl daemon-reload');
    expect(await world.machine.run(`cat ${slice}/memory.max ${slice}/cpu.max`)).toBe(
      '134217728\n50000 100000',
    );
  });

  it('leaves tasks and their logs alone when it is stopped, and finds them again', async () => {
    await world.machine.run('systemctl stop ecs');
    expect(await world.unit('ecs')).toMatchObject({ ActiveState: 'inactive', Result: 'success' });
    expect(await world.unit(LOG_UNIT)).toMatchObject({ ActiveState: 'active' });
    const before = (await world.logLines(runtimeIdOf(counting))).length;
    await world.machine.reach(
      `wc -l < /var/lib/ecs/data/logs/${runtimeIdOf(counting)}/*-json.log`,
      (count) => Number(count) > before,
    );
    await world.machine.run('systemctl start ecs');
    await world.connected();
    await expectCountingOn();
  });

  it('keeps tasks running over a restart of its service', async () => {
    const pid = await agentPid();
    await world.machine.run('systemctl restart ecs');
    await world.connected();
    expect(await agentPid()).not.toBe(pid);
    await expectCountingOn();
  });

  it('is started again when it is killed, and its tasks run on', async () => {
    const pid = await agentPid();
    await world.machine.run(`kill -9 ${pid}`);
    await world.machine.reach(
      'systemctl show ecs --property=MainPID --value',
      (now) => now !== pid && now !== '0',
    );
    await world.connected();
    expect(await world.unit('ecs')).toMatchObject({ NRestarts: '1' });
    await expectCountingOn();
  });

  it('keeps tasks running over a restart of containerd', async () => {
    const pid = await agentPid();
    await world.machine.run('systemctl restart containerd');
    await world.machine.reach('ctr version', (text) => text.includes('Server:'));
    expect(await agentPid()).toBe(pid);
    await expectCountingOn();
  });

  it('loses no line when the log service is killed while the agent is stopped', async () => {
    await world.machine.run('systemctl stop ecs');
    const pid = await world.mainPid(LOG_UNIT);
    await world.machine.run(`kill -9 ${pid}`);
    await world.machine.reach(
      `systemctl show ${LOG_UNIT} --property=MainPID --property=ActiveState`,
      (text) => text.includes('ActiveState=active') && !text.includes(`MainPID=${pid}\n`),
    );
    await world.machine.run('systemctl start ecs');
    await world.connected();
    await expectCountingOn();
  });

  it('waits as long as it should when the clock is set, and stops nothing for it', async () => {
    const healthCheck = { command: ['CMD-SHELL', 'echo probed >>/probes'], interval: 5, timeout: 60 };
    await world.register('probed', COUNTING, { memory: 16, healthCheck });
    await world.register('deaf', 'trap "" TERM; while :; do sleep 1; done', { memory: 16, stopTimeout: 10 });
    const [probed, ...deaf] = [await start('probed'), await start('deaf'), await start('deaf')];
    const probes = `wc -l < /proc/${await pidOf(probed)}/root/probes`;
    const expectProbes = async () => {
      const before = Number(await world.machine.reach(probes, (count) => Number(count) > 0));
      await world.machine.reach(probes, (count) => Number(count) >= before + 2);
    };
    await expectProbes();
    const pids = await Promise.all(deaf.map(pidOf));
    // Each stop is under way when the clock goes an hour forward, or back, and nobody has any other hour to wait.
    for (const [index, jump] of ['+3600', '-7200'].entries()) {
      await world.aws('stop-task', '--task', deaf[index]?.taskArn ?? '');
      await world.machine.run(`date -s "@$(($(date +%s) ${jump}))"`);
      await world.machine.reach(
        `kill -0 ${pids[index]} 2>/dev/null || echo gone`,
        (text) => text === 'gone',
        REACH_MS,
      );
      await expectProbes();
      await expectCountingOn();
    }
    await world.machine.run('date -s "@$(($(date +%s) + 3600))"');
    // What was to be told meanwhile was signed with a wrong time.
    const ended = await world.reach(
      'STOPPED',
      deaf.map(({ taskArn }) => taskArn),
      2 * REACH_MS,
    );
    expect(ended.map(({ containers }) => containers[0]?.exitCode)).toEqual([137, 137]);
    expect((await world.describe(probed.taskArn))[0]).toMatchObject({ lastStatus: 'RUNNING' });
    await world.stop(probed.taskArn);
    await world.reach('STOPPED', [probed.taskArn], REACH_MS);
  }, 1_200_000);

  it('stops a task by its signal, with its exit code and every line of its log', async () => {
    await world.aws('stop-task', '--task', counting.taskArn, '--reason', 'enough');
    await world.aws('wait', 'tasks-stopped', '--tasks', counting.taskArn);
    const [task] = await world.describe(counting.taskArn);
    expect(task).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'enough' });
    expect(task?.containers[0]).toMatchObject({ exitCode: 7 });
    const lines = await world.logLines(runtimeIdOf(counting));
    expect(lines.length).toBeGreaterThan(20);
    expect(lines).toEqual(lines.map((_, index) => `line ${index + 1}`));
  });

  it('reports a container that the kernel killed for its memory (ECS-48)', async () => {
    await world.register('greedy', 'x=$(head -c 60000000 /dev/zero | tr "\\\\0" a); echo "$x" | wc -c', {
      memory: 16,
    });
    const [task] = await world.reach('STOPPED', await world.run('greedy'), REACH_MS);
    expect(task?.containers[0]).toMatchObject({ exitCode: 137 });
    expect(task?.containers[0]?.reason).toMatch(/^OutOfMemoryError: /);
  });

  it('leaves nothing behind of tasks that are over', async () => {
    const left = [
      'ctr -n ecs containers ls -q',
      'ctr -n ecs tasks ls -q',
      'ctr -n ecs leases ls -q',
      "ctr -n ecs snapshots ls | awk 'NR > 1 && !/Committed *$/'",
      'ls -d /sys/fs/cgroup/ecstasks.slice/*/ 2>/dev/null',
      "systemctl list-units --all --plain --no-legend 'ecstasks-*' 'ecs-*.scope'",
      'pgrep -f [c]ontainerd-shim',
      'ls /var/lib/ecs/data/logs',
      'ls /run/ecs-containerd-agent/logs',
      'systemctl --failed --plain --no-legend',
      'ip netns',
    ].join('; ');
    await world.machine.reach(left, (text) => text === '', 240_000);
    expect((await world.machine.tryRun("journalctl -u ecs | grep -i 'left-over'")).output).toBe('');
  });

  it('is not started again when another start would not help (CFG-53)', async () => {
    await world.aws('create-cluster', '--cluster-name', 'other');
    await world.joinCluster('other');
    await world.machine.tryRun('systemctl restart ecs');
    await world.machine.reach(
      'systemctl show ecs --property=ActiveState --value',
      (text) => text === 'failed',
    );
    expect(await world.unit('ecs')).toMatchObject({
      ExecMainStatus: '5',
      SubState: 'failed',
      NRestarts: '0',
    });
    expect(await world.machine.run('journalctl -u ecs -n 20 -o cat')).toMatch(
      /registered in cluster default/,
    );
  });

  it('ends its log service when neither tasks nor an agent need it', async () => {
    await world.machine.reach(
      `systemctl show ${LOG_UNIT} --property=LoadState --value`,
      (text) => text === 'not-found',
    );
  });
});
