import { afterEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/async/deadline.ts';
import { FakeImages } from '../../../src/runtime/fake/fake-images.ts';
import { RuntimeUnavailableError } from '../../../src/task/errors.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';
import { until as untilIt } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld, noCgroups, noVolumes } from './engine-world.ts';

/** Waits for a condition that its own text describes best. */
const until = (condition: () => boolean) => untilIt(condition, { what: String(condition), timeoutMs: 4_000 });

const worlds: EngineWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.engine.close();
});

function world(...args: ConstructorParameters<typeof EngineWorld>): EngineWorld {
  const made = new EngineWorld(...args);
  worlds.push(made);
  return made;
}

const arnOf = (n: number) =>
  taskArn(`arn:aws:ecs:us-west-2:123456789012:task/peer/${String(n).padStart(32, '0')}`);
const spec = (n = 1, names: readonly string[] = ['main']) =>
  taskSpec(
    names.map((name) => containerSpec(name, { log: { driver: 'none', options: {} } })),
    { arn: arnOf(n) },
  );
const run = (n = 1, names?: readonly string[]) => [{ spec: spec(n, names), desired: 'RUNNING' as const }];
const stop = (n = 1) => [{ spec: spec(n), desired: 'STOPPED' as const }];

describe('the engine', () => {
  it('runs a task to its end and tells each state once', async () => {
    const w = world(() => ({ exitAfterMs: 5, exitCode: 3 })).start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    await until(() => w.reports.length === 3);
    expect(w.statuses()).toEqual(['PENDING', 'RUNNING', 'STOPPED']);
    expect(w.reports[2]?.containers[0]).toMatchObject({ exitCode: 3 });
  });

  it('has the task in the store before accept resolves (ACS-27)', async () => {
    const w = world().start();
    await w.engine.accept(run());
    expect(w.store.tasks.has(arnOf(1))).toBe(true);
  });

  it('takes nothing that the store refuses, and takes it when it comes again', async () => {
    const w = world().start();
    w.store.refuse = new Error('disk full');
    await expect(w.engine.accept(run())).rejects.toThrow('disk full');
    expect(w.engine.knows(arnOf(1))).toBe(false);
    w.store.refuse = undefined;
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
  });

  it('starts a task once however often its payload comes (ACS-31, ENG-33)', async () => {
    const w = world().start();
    await Promise.all([w.engine.accept(run()), w.engine.accept(run()), w.engine.accept(run())]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.accept(run());
    expect(w.runtime.starts(containerIdOf(arnOf(1), 'main', 0))).toBe(1);
    expect(w.statuses()).toEqual(['PENDING', 'RUNNING']);
  });

  it('takes the payload of a task that has stopped, and does nothing for it (OBS-23)', async () => {
    const w = world(() => ({ exitAfterMs: 5, exitCode: 0 })).start();
    await w.engine.accept(run());
    await until(() => w.reports.length === 3);
    await w.engine.accept(run());
    await w.engine.accept(run(2));
    await until(() => w.known(arnOf(2)) === 'STOPPED');
    expect(w.known(arnOf(1))).toBe('STOPPED');
    expect(w.runtime.starts(containerIdOf(arnOf(1), 'main', 0))).toBe(1);
    expect(w.reports.filter(({ task }) => task === arnOf(1))).toHaveLength(3);
  });

  it('hands tasks to stop to the workers before tasks to start (ACS-32, ENG-30)', async () => {
    const w = world().start();
    await w.engine.accept(run(1));
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.accept([...run(2), ...stop(1)]);
    expect(w.store.tasks.get(arnOf(1))?.desired).toBe('STOPPED');
    await until(() => w.known(arnOf(1)) === 'STOPPED' && w.known(arnOf(2)) === 'RUNNING');
  });

  it('kills a process that ignores the stop signal when its grace is over (ENG-49)', async () => {
    const w = world(() => ({ ignoresStop: true })).start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.stop([arnOf(1)]);
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.reports.at(-1)?.containers[0]).toMatchObject({ exitCode: 137 });
  });

  it('does not do a step again while its end is being stored', async () => {
    const w = world();
    const { commit } = w.store;
    w.store.commit = async (changes) => {
      await sleep(5);
      return await commit.call(w.store, changes);
    };
    w.start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect(w.images.pulls).toBe(1);
  });

  it('adopts running tasks after a restart and tells nothing false (ENG-127)', async () => {
    const w = world().start();
    await w.engine.accept([...run(1), ...run(2)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING' && w.known(arnOf(2)) === 'RUNNING');
    await w.engine.close();
    w.runtime.end(containerIdOf(arnOf(2), 'main', 0), { exitCode: 9 });
    const before = w.reports.length;
    w.start();
    await until(() => w.known(arnOf(2)) === 'STOPPED');
    expect(w.reports.slice(before).map((r) => [r.task, r.status])).toEqual([[arnOf(2), 'STOPPED']]);
    expect(w.reports.at(-1)?.containers[0]).toMatchObject({ exitCode: 9 });
    expect(w.known(arnOf(1))).toBe('RUNNING');
    await w.engine.stop([arnOf(1)]);
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.runtime.starts(containerIdOf(arnOf(1), 'main', 0))).toBe(1);
  });

  it('learns from a look at everything what a lost event would have told', async () => {
    const w = world().start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    const id = containerIdOf(arnOf(1), 'main', 0);
    await w.runtime.removeContainer(id, { signal: AbortSignal.timeout(1000) });
    w.runtime.resync();
    await until(() => w.known(arnOf(1)) === 'STOPPED');
  });

  it('removes containers of tasks that the store does not know', async () => {
    const w = world().start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.close();
    w.store.tasks.clear();
    w.start();
    await until(() => w.runtime.ids().length === 0);
  });

  it('does not let a pull that hangs hold up another task', async () => {
    const images = new FakeImages(async (call, request, signal) => {
      if (call === 'pull' && request.reference === 'slow')
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    });
    const w = world(() => ({}), images).start();
    const slow = { ...containerSpec('main', { log: { driver: 'none', options: {} } }), image: 'slow' };
    await w.engine.accept([{ spec: taskSpec([slow], { arn: arnOf(1) }), desired: 'RUNNING' }]);
    await w.engine.accept(run(2));
    await until(() => w.known(arnOf(2)) === 'RUNNING');
    expect(w.known(arnOf(1))).toBe('MANIFEST_PULLED');
    await w.engine.stop([arnOf(1)]);
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.runtime.ids()).toEqual([containerIdOf(arnOf(2), 'main', 0)]);
  });

  it('tries again while the runtime is away, and says nothing false meanwhile', async () => {
    const w = world().start();
    let away = true;
    w.runtime.onCall('create', async () => {
      if (away) throw new RuntimeUnavailableError('connection refused');
    });
    await w.engine.accept(run());
    const worker = () => w.engine.workers()[0];
    await until(() => (worker()?.steps.stuck()[0]?.tries ?? 0) >= 2);
    expect(worker()?.steps.stuck()[0]).toMatchObject({
      kind: 'createContainer',
      error: 'connection refused',
    });
    away = false;
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect(w.statuses()).toEqual(['PENDING', 'RUNNING']);
  });

  it('ends a start that never answers as a timeout with its duration, and stops what may run (ENG-18, ENG-44)', async () => {
    const w = world();
    w.runtime.onCall('start', () => new Promise(() => {}));
    w.start({ engine: { startTimeoutMs: 60 } });
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.reports.at(-1)?.containers[0]?.reason).toBe(
      'DockerTimeoutError: Could not transition to started; timed out after waiting 60ms',
    );
  });

  it('tells the true exit of a process that ends while its start is under way', async () => {
    const w = world(() => ({ exitAfterMs: 0, exitCode: 4 }));
    w.start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.reports.map((r) => r.containers.map((c) => [c.status, c.exitCode]))).toEqual([
      [['PENDING', undefined]],
      [['RUNNING', undefined]],
      [['STOPPED', 4]],
    ]);
  });

  it('keeps the cgroup and the volumes of a stopped task until its clean-up (OBS-77, OBS-88)', async () => {
    const removed: string[] = [];
    const ports = {
      cgroups: { ...noCgroups, remove: async () => void removed.push('cgroup') },
      volumes: { ...noVolumes, removeTask: async () => void removed.push('volumes') },
    };
    const w = world(() => ({ exitAfterMs: 5, exitCode: 0 })).start({ ports });
    await w.engine.accept(run());
    await until(() => w.store.tasks.get(arnOf(1))?.containers[0]?.remains === 'released');
    await until(() => w.store.tasks.get(arnOf(1))?.unsettledReports === 0);
    expect(removed).toEqual([]);
    await w.engine.close();
    w.start({ ports, engine: { cleanupWaitMs: 0 } });
    await until(() => !w.engine.knows(arnOf(1)));
    expect(removed.toSorted()).toEqual(['cgroup', 'volumes']);
  });

  it('cleans up everything of a stopped task and forgets it', async () => {
    const w = world(() => ({ exitAfterMs: 1 })).start({ engine: { cleanupWaitMs: 20 } });
    await w.engine.accept(run(1, ['a', 'b']));
    await until(() => w.known(arnOf(1)) === 'gone');
    expect(w.runtime.ids()).toEqual([]);
    expect(w.engine.knows(arnOf(1))).toBe(false);
  });

  it('gives a container its stop signal and a moment, though the time of its stop ran out while the agent was dead', async () => {
    const w = world().start();
    await w.engine.accept(run());
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    let asked = false;
    w.runtime.onCall('stop', (_, signal) => {
      asked = true;
      return sleep(60_000, signal);
    });
    await w.engine.accept(stop());
    await until(() => asked);
    await w.engine.close();
    const { stopRequestedAt = Number.NaN } = w.store.tasks.get(arnOf(1))?.containers[0] ?? {};
    await until(() => Date.now() > stopRequestedAt + w.settings.stopTimeoutMs);
    w.runtime.clearHook('stop');
    w.start();
    await until(() => w.known(arnOf(1)) === 'STOPPED');
    expect(w.store.tasks.get(arnOf(1))?.containers[0]?.exitCode).toBe(143);
  });

  it('runs a hundred tasks at once', async () => {
    const w = world(() => ({ exitAfterMs: 20 })).start();
    await w.engine.accept(Array.from({ length: 100 }, (_, n) => run(n)).flat());
    await until(() => Array.from({ length: 100 }, (_, n) => w.known(arnOf(n))).every((s) => s === 'STOPPED'));
  });
});
