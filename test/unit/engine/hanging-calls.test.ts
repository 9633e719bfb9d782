import { afterEach, describe, expect, it } from 'vitest';
import { CALL_DEADLINES, type CallDeadlines } from '../../../src/engine/call-deadlines.ts';
import { FakeImages } from '../../../src/runtime/fake/fake-images.ts';
import type { FakeCall } from '../../../src/runtime/fake/fake-runtime.ts';
import { containerIdOf, taskArn } from '../../../src/task/ids.ts';
import type { ContainerSpec } from '../../../src/task/task-spec.ts';
import { until as untilIt } from '../../support/until.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';
import { EngineWorld } from './engine-world.ts';

const until = (condition: () => boolean) => untilIt(condition, { what: String(condition), timeoutMs: 6_000 });

const SHORT: CallDeadlines = {
  stopMarginMs: 40,
  imageMs: 40,
  listMs: 40,
  releaseMs: 40,
  removeMs: 40,
  resourcesMs: 40,
};
const SETTINGS = { deadlines: SHORT, stopTimeoutMs: 10, cleanupWaitMs: 10 };

const worlds: EngineWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.engine.close();
});

const arnOf = (n: number) =>
  taskArn(`arn:aws:ecs:us-west-2:123456789012:task/peer/${String(n).padStart(32, '0')}`);
const task = (n: number, desired: 'RUNNING' | 'STOPPED' = 'RUNNING', over: Partial<ContainerSpec> = {}) => ({
  spec: taskSpec([containerSpec('main', over)], { arn: arnOf(n) }),
  desired,
});
const SLOW = containerIdOf(arnOf(1), 'main', 0);

/** The first task's calls of one kind never answer, whatever their signals say, until it is over. */
function hanging(call: FakeCall, engine = {}): { w: EngineWorld; calls: () => number; relent: () => void } {
  const w = new EngineWorld();
  worlds.push(w);
  let count = 0;
  let hangs = true;
  w.runtime.onCall(call, (id) => {
    if (!hangs || (id !== undefined && id !== SLOW)) return Promise.resolve();
    count += 1;
    return new Promise(() => {});
  });
  w.start({ engine: { ...SETTINGS, ...engine } });
  return {
    w,
    calls: () => count,
    relent: () => {
      hangs = false;
    },
  };
}

/** Another task goes its whole way meanwhile. */
async function expectOthersFree(w: EngineWorld): Promise<void> {
  await w.engine.accept([task(2)]);
  await until(() => w.known(arnOf(2)) === 'RUNNING');
  await w.engine.accept([task(2, 'STOPPED')]);
  await until(() => w.known(arnOf(2)) === 'gone');
}

describe('a runtime call that never answers', () => {
  it.each(['create', 'start'] as const)(
    'ends as a reported timeout when it is to %s, and holds up nobody else (ENG-18)',
    async (call) => {
      const { w, calls } = hanging(call, { createTimeoutMs: 400, startTimeoutMs: 400 });
      await w.engine.accept([task(1)]);
      await until(() => calls() === 1);
      await expectOthersFree(w);
      await until(() => w.known(arnOf(1)) === 'STOPPED' || w.known(arnOf(1)) === 'gone');
      const last = w.reports.filter((report) => report.task === arnOf(1)).at(-1);
      expect(last?.containers[0]?.reason).toMatch(
        /^DockerTimeoutError: Could not transition to (created|started); timed out after waiting 400ms$/,
      );
      await until(() => w.known(arnOf(1)) === 'gone');
    },
  );

  it('is tried again when it is to stop a container, and the time-out is told with it (ENG-17, ENG-19)', async () => {
    const { w, calls, relent } = hanging('stop');
    await w.engine.accept([task(1, 'RUNNING', { stopTimeoutSec: 0.02 })]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.accept([task(1, 'STOPPED')]);
    await until(() => calls() >= 2);
    await expectOthersFree(w);
    expect(w.known(arnOf(1))).toBe('RUNNING');
    expect(w.engine.workers()[0]?.explain()[0]).toMatchObject({
      reason: 'stopContainer',
      what: expect.stringContaining('Could not transition to stopped; timed out after waiting 60ms'),
    });
    relent();
    await until(() => w.known(arnOf(1)) === 'STOPPED' || w.known(arnOf(1)) === 'gone');
    const last = w.reports.filter((report) => report.task === arnOf(1)).at(-1);
    expect(last?.containers[0]).toMatchObject({
      exitCode: 143,
      reason: 'DockerTimeoutError: Could not transition to stopped; timed out after waiting 60ms',
    });
  });

  it('waits for the grace of a stop and two minutes more (ENG-19)', () => {
    expect(CALL_DEADLINES.stopMarginMs).toBe(120_000);
  });

  it.each(['release', 'remove'] as const)('is tried again when it is to %s a container', async (call) => {
    const { w, calls, relent } = hanging(call);
    await w.engine.accept([task(1)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    await w.engine.accept([task(1, 'STOPPED')]);
    await until(() => calls() >= 2);
    expect(w.known(arnOf(1))).toBe('STOPPED');
    await expectOthersFree(w);
    relent();
    await until(() => w.known(arnOf(1)) === 'gone');
    expect(w.reports.at(-1)?.containers[0]?.reason).toBeUndefined();
  });

  it('counts as a failed probe when it is a health check', async () => {
    const { w, calls } = hanging('exec');
    const healthCheck = {
      command: ['true'],
      intervalMs: 10,
      timeoutMs: 30,
      retries: 2,
      startPeriodMs: 0,
    };
    await w.engine.accept([task(1, 'RUNNING', { healthCheck })]);
    await until(() => calls() >= 2);
    await expectOthersFree(w);
    await until(() => w.engine.workers()[0]?.state.containers[0]?.health?.status === 'UNHEALTHY');
    await w.engine.accept([task(1, 'STOPPED')]);
    await until(() => w.known(arnOf(1)) === 'gone');
  });

  it('keeps nothing from starting and stopping when it is the look at all containers, and is tried again', async () => {
    const { w, calls, relent } = hanging('list');
    await until(() => calls() >= 2);
    await expectOthersFree(w);
    await w.engine.accept([task(1)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING');
    const id = containerIdOf(arnOf(1), 'main', 0);
    w.runtime.endUnseen(id, { exitCode: 5 });
    relent();
    await until(() => w.reports.at(-1)?.containers[0]?.exitCode === 5);
  });

  it('is left alone when it is to remove what nobody knows: the rest goes, and tasks are looked at', async () => {
    const { w, calls } = hanging('remove', { deadlines: { ...SHORT, removeMs: 60_000 } });
    await w.engine.accept([task(1), task(2)]);
    await until(() => w.known(arnOf(1)) === 'RUNNING' && w.known(arnOf(2)) === 'RUNNING');
    await w.engine.close();
    w.store.tasks.delete(arnOf(1));
    w.start({ engine: SETTINGS });
    await until(() => calls() === 1);
    w.runtime.endUnseen(containerIdOf(arnOf(2), 'main', 0), { exitCode: 6 });
    w.runtime.resync();
    await until(() => w.reports.at(-1)?.containers[0]?.exitCode === 6);
  });
});

describe('a registry that never answers', () => {
  it('holds up its own task alone; digest and pull end as time-outs (ENG-18)', async () => {
    const images = new FakeImages((_call, request) =>
      request.reference === 'mute' ? new Promise(() => {}) : Promise.resolve(),
    );
    const w = new EngineWorld(() => ({}), images);
    worlds.push(w);
    w.start({ engine: { ...SETTINGS, manifestTimeoutMs: 300, pullTimeoutMs: 400 } });
    await w.engine.accept([task(1, 'RUNNING', { image: 'mute' })]);
    await expectOthersFree(w);
    await until(() => w.known(arnOf(1)) === 'STOPPED' || w.known(arnOf(1)) === 'gone');
    const last = w.reports.filter((report) => report.task === arnOf(1)).at(-1);
    expect(last?.containers[0]?.reason).toMatch(/MANIFEST_PULLED; timed out after waiting 300ms/);
  });
});
