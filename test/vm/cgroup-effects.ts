import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openTaskCgroups } from '../../src/resource/cgroups.ts';
import type { CreateContainer } from '../../src/runtime/runtime.ts';
import { taskIdOf } from '../../src/task/ids.ts';
import type { ContainerdUnderTest } from '../contract/runtime/containerd-under-test.ts';
import { ARN, EventLog, requestOf, script } from '../contract/runtime/containers.ts';
import { until } from '../support/until.ts';

const MIB = 1024 * 1024;
/** In emulation everything takes its time. */
const PATIENCE_MS = 180_000;
const NAME = 'ecseffects';
const TASK_PIDS = 24;
const TASK_MEMORY_MIB = 96;
const { signal } = new AbortController();

/**
 * Runs containers below the cgroup that one driver makes for a task and lets them go beyond each limit, of their own
 * and of the task. Gives what became of them and what the kernel counted; leaves nothing.
 */
export async function cgroupEffects(under: ContainerdUnderTest, driver: 'cgroupfs' | 'systemd') {
  const settings = { driver, root: '/sys/fs/cgroup', name: NAME, cpuPeriodUs: 100_000, pidsLimit: TASK_PIDS };
  let cgroups = await openTaskCgroups(settings);
  const task = taskIdOf(ARN);
  const folder =
    driver === 'systemd'
      ? `/sys/fs/cgroup/${NAME}tasks.slice/${NAME}tasks-${task}.slice`
      : `/sys/fs/cgroup/${NAME}/${task}`;
  const cgroup = await cgroups.ensure(task, { memoryMiB: TASK_MEMORY_MIB, cpuShares: 1024 });
  await using log = new EventLog(under.runtime);
  await log.live();

  const start = async (name: string, text: string, limits: Partial<CreateContainer['limits']> = {}) => {
    const request = await requestOf(under, `${driver}-${name}`, {
      ...script(text),
      cgroup,
      limits: { cpuShares: 1024, ...limits },
    });
    const { id } = request;
    await under.runtime.createContainer(request, { signal });
    const { pid } = await under.runtime.startContainer(id, { signal });
    const own = join(folder, driver === 'systemd' ? `ecs-${id}.scope` : id);
    return {
      id,
      pid,
      own,
      exit: () => log.exitOf(id, PATIENCE_MS),
      end: async () => {
        await under.runtime.stopContainer(id, { killAtMs: 0 }, { signal });
        const output = await under.output(id);
        await under.runtime.removeContainer(id, { signal });
        return output;
      },
    };
  };
  const throttled = (directory: string) =>
    Number(/^nr_throttled (\d+)$/m.exec(readFileSync(join(directory, 'cpu.stat'), 'utf8'))?.[1]);
  const isThrottled = async (directory: string) =>
    await until(() => throttled(directory) > 2, {
      what: `${directory} is held up`,
      timeoutMs: PATIENCE_MS,
    });
  /** How often the kernel found a limit in the way: `.local` counts that of the task, the other its containers' too. */
  const oomsOf = (events: 'memory.events.local' | 'memory.events') =>
    Number(/^oom (\d+)$/m.exec(readFileSync(join(folder, events), 'utf8'))?.[1]);
  const BUSY = 'while :; do :; done';
  const FORKS = 'n=0; while [ $n -lt 40 ]; do n=$((n+1)); sleep 1000 & done; echo all of them';

  /** A quota of its own, put on and taken back while it runs; then one of the task. */
  async function quota() {
    const busy = await start('busy', BUSY, { cpuQuotaUs: 50_000 });
    await isThrottled(busy.own);
    const ofTask = throttled(folder);
    await under.runtime.updateLimits(busy.id, { cpuQuotaUs: 100_000 }, { signal });
    const raised = readFileSync(join(busy.own, 'cpu.max'), 'utf8').trim();
    await cgroups.ensure(task, { cpu: 0.5, memoryMiB: TASK_MEMORY_MIB, cpuShares: 1024 });
    await isThrottled(folder);
    await cgroups.ensure(task, { cpu: 2, memoryMiB: TASK_MEMORY_MIB, cpuShares: 1024 });
    const ofTaskAfter = readFileSync(join(folder, 'cpu.max'), 'utf8').trim();
    await busy.end();
    return {
      heldUp: true,
      taskHeldUpToo: ofTask > 0,
      raised,
      taskHeldUp: true,
      taskRaised: ofTaskAfter,
    };
  }

  /** Forks beyond a limit of its own, beyond that of the task, and beyond one that comes while it runs. */
  async function pids() {
    const own = await start('forks', FORKS, { pidsLimit: 12 });
    await own.exit();
    const output = await own.end();
    const inTask = await start('forks-in-task', FORKS);
    await inTask.exit();
    const outputInTask = await inTask.end();
    const changed = await start('forks-later', 'while :; do sleep 0.1; done', { pidsLimit: 20 });
    await under.runtime.updateLimits(changed.id, { pidsLimit: 1 }, { signal });
    const { exitCode } = await changed.exit();
    return { output, outputInTask, outputChanged: await changed.end(), changedCode: exitCode };
  }

  /** Two containers that have too much memory together, each by itself not; one whose limit falls below its use. */
  async function memory() {
    const greedy = 'exec dd if=/dev/zero of=/dev/null bs=60M count=1000000';
    // Room for the copy of its binary that runc may still hold in this limit (15 MiB).
    const limits = { memoryBytes: 84 * MIB, memorySwapBytes: 84 * MIB };
    const both = [await start('greedy-1', greedy, limits), await start('greedy-2', greedy, limits)];
    await until(() => both.some(({ id }) => log.exitsOf(id).length > 0), {
      what: 'one of two has been killed',
      timeoutMs: PATIENCE_MS,
    });
    const exits = both.map(({ id }) => log.exitsOf(id)[0]?.exit);
    const codes = exits.map((exit) => exit?.exitCode ?? null);
    const oomKilled = exits.filter((exit) => exit !== undefined).map((exit) => exit.oomKilled);
    const ooms = { ofTask: oomsOf('memory.events.local'), ofAll: oomsOf('memory.events') };
    for (const one of both) await one.end();
    const shrunk = await start('shrunk', greedy, limits);
    await until(() => Number(readFileSync(join(shrunk.own, 'memory.current'), 'utf8')) > 60 * MIB, {
      what: 'it has taken its memory',
      timeoutMs: PATIENCE_MS,
    });
    // The kill may come before the answer: then there is nothing left whose limit could be looked at.
    await under.runtime.updateLimits(shrunk.id, { memoryBytes: 16 * MIB }, { signal }).catch(() => {});
    const max = await readOr(join(shrunk.own, 'memory.max'));
    const ofShrunk = await shrunk.exit();
    await shrunk.end();
    return {
      codes,
      ooms,
      oomKilled,
      max,
      shrunkCode: ofShrunk.exitCode,
      shrunkOomKilled: ofShrunk.oomKilled,
    };
  }

  /** What a later life of the agent finds and takes away, with a container that runs on. */
  async function afterCrash() {
    const left = await start('left', 'trap "" TERM; sleep 1000 & while :; do sleep 1; done');
    cgroups = await openTaskCgroups(settings);
    const listed = await cgroups.list();
    const refused = await cgroups.remove(task).then(
      () => 'removed',
      (error: unknown) => String(error),
    );
    const wasEmpty = await cgroups.isEmpty(task, left.id);
    await cgroups.kill(task, left.id);
    const { exitCode } = await left.exit();
    await until(() => cgroups.isEmpty(task, left.id), { what: 'it is empty', timeoutMs: PATIENCE_MS });
    await left.end();
    await cgroups.remove(task);
    await cgroups.remove(task);
    const gone = !existsSync(folder);
    const listedAfter = await cgroups.list();
    await cgroups.close();
    return {
      listed,
      refusedByPid: refused.includes(String(left.pid)),
      wasEmpty,
      exitCode,
      gone,
      listedAfter,
      remains: readdirSync('/sys/fs/cgroup').filter((name) => name === NAME),
    };
  }

  return { quota: await quota(), pids: await pids(), memory: await memory(), crash: await afterCrash() };
}

/** What a file says, or that the container has gone with it. */
async function readOr(file: string): Promise<string> {
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'gone';
}
