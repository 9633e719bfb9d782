import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { HostCapacity } from '../../../src/task/host-resources.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';
import { until as untilIt } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld } from './engine-world.ts';

const until = (condition: () => boolean) => untilIt(condition, { what: String(condition), timeoutMs: 4_000 });
const HOST: HostCapacity = {
  cpuUnits: 1024,
  memoryMiB: 100,
  reservedPorts: { tcp: [], udp: [] },
  gpus: ['GPU-1'],
};

const worlds: EngineWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.engine.close();
});

function started(): EngineWorld {
  const world = new EngineWorld().start({ capacity: HOST });
  worlds.push(world);
  return world;
}

const arnOf = (n: number) =>
  taskArn(`arn:aws:ecs:us-west-2:123456789012:task/peer/${String(n).padStart(32, '0')}`);

/** A task of that much memory. */
const asking = (n: number, memoryMiB: number, hostPort?: number) => {
  const portMappings = hostPort && [{ protocol: 'tcp' as const, containerPort: 80, hostPort }];
  const container = containerSpec('main', { memoryMiB, ...(portMappings && { portMappings }) });
  return {
    spec: taskSpec([container], { arn: arnOf(n), networkMode: 'bridge' }),
    desired: 'RUNNING' as const,
  };
};
const stopping = (n: number) => ({ ...asking(n, 0), desired: 'STOPPED' as const });

describe('the share of the host that tasks have', () => {
  it('is given in the order of arrival; a smaller task does not overtake (ENG-109, ECS-62, OBS-95)', async () => {
    const w = started();
    await w.engine.accept([asking(1, 60), asking(2, 60), asking(3, 10)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect([w.known(arnOf(2)), w.known(arnOf(3))]).toEqual(['NONE', 'NONE']);
    expect(w.reports.every(({ task }) => task === arnOf(1))).toBe(true);
    expect(w.engine.hostWaitOf(arnOf(1))).toBeUndefined();
    expect(w.engine.hostWaitOf(arnOf(2))).toEqual({
      kind: 'short',
      shortage: { kind: 'memory', needed: 60, free: 40, total: 100 },
    });
    expect(w.engine.hostWaitOf(arnOf(3))).toEqual({ kind: 'behind', task: arnOf(2) });

    await w.engine.accept([stopping(1)]);
    await until(() => w.known(arnOf(2)) === 'RUNNING' && w.known(arnOf(3)) === 'RUNNING');
  });

  it('is not wanted any more by a task that is told to stop: those behind it go on (ENG-110)', async () => {
    const w = started();
    await w.engine.accept([asking(1, 60), asking(2, 60), asking(3, 10)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.accept([stopping(2)]);
    await until(() => w.known(arnOf(3)) === 'RUNNING');
    expect(w.known(arnOf(2))).toBe('STOPPED');
    expect(w.runtime.starts(containerIdOf(arnOf(2), 'main', 0))).toBe(0);
  });

  it('is kept over a restart of the agent, and so is the order of those that wait', async () => {
    const w = started();
    await w.engine.accept([asking(1, 60)]);
    await w.engine.accept([asking(2, 60)]);
    await w.engine.accept([asking(3, 60)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.close();
    w.start({ capacity: HOST });
    await w.engine.accept([asking(4, 1)]);
    expect(w.engine.hostWaitOf(arnOf(2))).toMatchObject({ kind: 'short' });
    for (const n of [3, 4]) expect(w.engine.hostWaitOf(arnOf(n))).toEqual({ kind: 'behind', task: arnOf(2) });
    await w.engine.accept([stopping(1)]);
    await until(() => w.known(arnOf(2)) === 'RUNNING');
    expect(w.known(arnOf(3))).toBe('NONE');
  });

  it('is given back at STOPPED, once (ENG-115)', async () => {
    const w = started();
    await w.engine.accept([asking(1, 60, 8080), asking(2, 30, 8080)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect(w.engine.hostWaitOf(arnOf(2))).toMatchObject({
      shortage: { kind: 'port', port: { protocol: 'tcp', port: 8080 }, holder: arnOf(1) },
    });
    const stop = Promise.withResolvers<void>();
    w.runtime.onCall('stop', () => stop.promise);
    await w.engine.accept([stopping(1)]);
    expect(w.known(arnOf(2))).toBe('NONE');
    stop.resolve();
    await until(() => w.known(arnOf(2)) === 'RUNNING');
    await w.engine.accept([asking(3, 70), asking(4, 71)]);
    await until(() => w.known(arnOf(3)) === 'RUNNING');
    expect(w.engine.hostWaitOf(arnOf(4))).toMatchObject({ shortage: { free: 0 } });
  });

  it.each([
    ['CPU', { cpu: 600 }, {}],
    ['memory', { memoryMiB: 60 }, {}],
    ['a host port', { portMappings: [{ protocol: 'tcp' as const, containerPort: 80, hostPort: 8080 }] }, {}],
    ['a GPU', {}, { gpus: [{ id: 'GPU-1', containers: ['main'], content: '' }] }],
  ])('of %s is waited for until the task ends that has it (OBS-94)', async (_, container, task) => {
    const w = started();
    const wanting = (n: number) => ({
      spec: taskSpec([containerSpec('main', { memoryMiB: 1, ...container })], {
        arn: arnOf(n),
        networkMode: 'bridge',
        ...task,
      }),
      desired: 'RUNNING' as const,
    });
    await w.engine.accept([wanting(1), wanting(2), asking(3, 1)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    expect(w.engine.hostWaitOf(arnOf(2))).toMatchObject({ kind: 'short' });
    expect(w.engine.hostWaitOf(arnOf(3))).toEqual({ kind: 'behind', task: arnOf(2) });
    await w.engine.accept([stopping(1)]);
    await until(() => w.known(arnOf(2)) === 'RUNNING' && w.known(arnOf(3)) === 'RUNNING');
  });

  it('goes to the next task at once, whatever a clock says (OBS-98)', async () => {
    const w = started();
    await w.engine.accept([asking(1, 60), asking(2, 60)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    const isTold = () => w.reports.some(({ task, status }) => task === arnOf(2) && status === 'PENDING');
    // Whatever waited for time to pass would now wait for ever.
    vi.useFakeTimers({ toFake: ['setTimeout', 'setInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    await w.engine.accept([stopping(1)]);
    for (let turns = 0; turns < 1_000 && !isTold(); turns += 1)
      await new Promise((resolve) => setImmediate(resolve));
    vi.useRealTimers();
    expect(isTold()).toBe(true);
  });

  it('has no GPU that is not there: the task ends (ENG-111)', async () => {
    const w = started();
    const gpus = [{ id: 'GPU-9', containers: ['main'], content: '' }];
    const spec = taskSpec([containerSpec('main', { memoryMiB: 1 })], { arn: arnOf(1), gpus });
    await w.engine.accept([{ spec, desired: 'RUNNING' }]);
    await until(() => w.reports.length > 0);
    expect(w.known(arnOf(1))).toBe('STOPPED');
    expect(w.reports[0]?.reason).toContain('GPU GPU-9 is not one that the host has');
  });

  it('does not keep a task waiting that the host could never take', async () => {
    const w = started();
    await w.engine.accept([asking(1, 101), asking(2, 10)]);
    await until(() => w.known(arnOf(2)) === 'RUNNING');
    expect(w.reports.find(({ task }) => task === arnOf(1))).toMatchObject({
      status: 'STOPPED',
      reason: expect.stringContaining('101 MiB'),
    });
  });
});
