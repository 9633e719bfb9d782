import { describe, expect, it } from 'vitest';
import type { ContainerExit } from '../../../src/task/container-facts.ts';
import type { RestartPolicy } from '../../../src/task/restart.ts';
import type { ContainerSpec } from '../../../src/task/task-spec.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

const ALWAYS: RestartPolicy = { ignoredExitCodes: [], attemptPeriodMs: 0 };

function running(policy: Partial<RestartPolicy> = {}, over: Partial<ContainerSpec> = {}): TaskStory {
  const restartPolicy = { ...ALWAYS, ...policy };
  return new TaskStory(taskSpec([containerSpec('main', { restartPolicy, ...over })])).run('main');
}

/** The end of a run, some time after it began. */
function end(s: TaskStory, run: number, over: Partial<ContainerExit> = {}, afterMs = 0): TaskStory {
  s.now += afterMs;
  const exit = { exitCode: 1, exitedAt: s.now, oomKilled: false, run, ...over };
  return s.tell({ kind: 'containerStopped', container: 'main', exit });
}

/** Tells that the run after `afterRun`, by default the last that ended, has begun. */
const again = (s: TaskStory, afterRun = main(s).restarts?.endedRun ?? 0) =>
  s.tell({ kind: 'containerRestarted', container: 'main', pid: 77, afterRun });
const main = (s: TaskStory) => s.container('main');

describe('a restart policy', () => {
  it('starts an essential container again in place, and nobody is told (ENG-53, ENG-54)', () => {
    const s = running();
    const told = s.told().length;
    expect(end(s, 0).steps()).toEqual(['restartContainer main']);
    expect(s.state).toMatchObject({ known: 'RUNNING', desired: 'RUNNING' });
    expect(again(s).steps()).toEqual([]);
    expect(main(s)).toMatchObject({ known: 'RUNNING', pid: 77, restarts: { count: 1, endedRun: 0 } });
    expect(s.told()).toHaveLength(told);
  });

  it('starts a run again that was seen to end before its start was told', () => {
    const s = end(running(), 0);
    const exit = { exitCode: 1, exitedAt: s.now, oomKilled: false, run: 1 };
    const observation = { state: 'exited', exit } as const;
    s.tell({ kind: 'containerObserved', container: 'main', knownBefore: 'CREATED', observation });
    expect(again(s, 0).plan().steps).toEqual([{ kind: 'restartContainer', container: 'main', afterRun: 1 }]);
    expect(again(s, 1).steps()).toEqual([]);
  });

  it('starts a run again that ended before anybody but a dead agent knew that it had begun (ENG-51)', () => {
    const restartPolicy = { ignoredExitCodes: [7], attemptPeriodMs: 0 };
    const ends = (exitCode: number) => {
      const s = new TaskStory(taskSpec([containerSpec('main', { restartPolicy })]));
      s.tell({ kind: 'resourcesReady' }).resolve('main');
      s.tell({ kind: 'imagePulled', container: 'main', imageName: 'busybox', imageId: 'sha256:1' });
      s.tell({ kind: 'containerCreated', container: 'main' });
      const exit = { exitCode, exitedAt: s.now, oomKilled: false };
      const observation = { state: 'exited', exit } as const;
      return s.tell({ kind: 'containerObserved', container: 'main', knownBefore: 'CREATED', observation });
    };
    const s = ends(1);
    expect(s.plan().steps).toEqual([{ kind: 'restartContainer', container: 'main', afterRun: 0 }]);
    s.tell({ kind: 'containerStarted', container: 'main', pid: 70, startedAt: s.now });
    expect(s.plan().steps).toEqual([{ kind: 'restartContainer', container: 'main', afterRun: 0 }]);
    expect(again(s).steps()).toEqual([]);
    expect(main(s)).toMatchObject({ known: 'RUNNING', pid: 77, restarts: { count: 1 } });
    expect(main(ends(7))).toMatchObject({ known: 'STOPPED', exitCode: 7 });
  });

  it('keeps the time of the first start (ENG-55)', () => {
    const s = running();
    const { startedAt } = main(s);
    again(end(s, 0, {}, 5_000));
    expect(main(s).startedAt).toBe(startedAt);
  });

  it('ends with an ignored code, or with none (ENG-51)', () => {
    for (const exit of [{ exitCode: 7 }, { exitCode: undefined }]) {
      const { exitCode, ...rest } = { ...exit };
      const s = running({ ignoredExitCodes: [7] });
      s.tell({
        kind: 'containerStopped',
        container: 'main',
        exit: { exitedAt: s.now, oomKilled: false, ...rest, ...(exitCode !== undefined && { exitCode }) },
      });
      expect(main(s).known).toBe('STOPPED');
    }
    expect(main(end(running({ ignoredExitCodes: [7] }), 0, { exitCode: 0 })).known).toBe('RUNNING');
  });

  it('counts the attempt period from the first start, then from the last restart (ENG-51, ENG-52)', () => {
    const policy = { attemptPeriodMs: 60_000 };
    expect(main(end(running(policy), 0, {}, 59_000)).known).toBe('STOPPED');
    const s = end(running(policy), 0, {}, 61_000);
    expect(main(s).known).toBe('RUNNING');
    expect(main(end(again(s), 1, {}, 59_000)).known).toBe('STOPPED');
    const late = again(end(running(policy), 0, {}, 61_000));
    expect(main(end(late, 1, {}, 61_000)).restarts?.count).toBe(2);
  });

  it('starts a container again that ran out of memory (ENG-56)', () => {
    const s = end(running(), 0, { exitCode: 137, oomKilled: true });
    expect(s.steps()).toEqual(['restartContainer main']);
    expect(main(s).reason).toBeUndefined();
  });

  it('does not hold against a stop (ENG-51)', () => {
    const s = running().tell({ kind: 'stopRequested' });
    expect(s.steps()).toEqual(['stopContainer main']);
    expect(main(end(s, 0, { exitCode: 143 }))).toMatchObject({ known: 'STOPPED', exitCode: 143 });
  });

  it('ends with the last known exit when the stop comes before the next start', () => {
    const s = end(running(), 0, { exitCode: 9 }).tell({ kind: 'stopRequested' });
    expect(s.steps()).toEqual(['stopContainer main']);
    s.tell({ kind: 'containerStopped', container: 'main' });
    expect(main(s)).toMatchObject({ known: 'STOPPED', exitCode: 9 });
    expect(main(s).restarts?.exit).toBeUndefined();
  });

  it('that cannot be carried out ends the container with its exit, and says why', () => {
    const s = end(running(), 0, { exitCode: 9 }).tell({
      kind: 'stepFailed',
      step: 'restartContainer',
      container: 'main',
      reason: { code: 'CannotStartContainerError', message: 'no space left' },
    });
    expect(s.steps()).toEqual(['stopContainer main']);
    s.tell({ kind: 'containerStopped', container: 'main' });
    expect(main(s)).toMatchObject({
      known: 'STOPPED',
      exitCode: 9,
      reason: { code: 'CannotStartContainerError' },
    });
  });

  it('takes no notice of what is told late of a run that has been followed by another', () => {
    const s = end(running(), 0);
    const { exit } = main(s).restarts ?? {};
    if (exit === undefined) throw new Error('no exit is remembered');
    const pending = s.state;
    s.tell({ kind: 'containerStopped', container: 'main', exit });
    expect(s.state).toBe(pending);
    again(s);
    const after = s.state;
    for (const knownBefore of ['RUNNING', 'CREATED'] as const)
      s.tell({
        kind: 'containerObserved',
        container: 'main',
        knownBefore,
        observation: { state: 'exited', exit },
      });
    expect(s.state).toBe(after);
  });

  it('counts an end of the next run that is told before its start', () => {
    const s = end(end(running(), 0), 1);
    expect(main(s).restarts).toMatchObject({ count: 2, endedRun: 1 });
    again(s);
    expect(main(s).restarts?.exit).toBeUndefined();
  });

  it('lets the health check begin anew', () => {
    const healthCheck = {
      command: ['true'],
      intervalMs: 1_000,
      timeoutMs: 500,
      retries: 1,
      startPeriodMs: 0,
    };
    const s = running({}, { healthCheck }).passMs(1_000);
    s.tell({ kind: 'healthProbed', container: 'main', result: { exitCode: 0, output: '' } });
    expect(end(s, 0, {}, 5_000).steps()).toEqual(['restartContainer main']);
    expect(main(again(s)).health).toBeUndefined();
    expect(s.steps()).toEqual([]);
    expect(s.passMs(1_000).steps()).toEqual(['probeHealth main']);
  });
});
