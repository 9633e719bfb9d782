import { describe, expect, it } from 'vitest';
import { arrivalOf, transitionsOf } from '../../../src/task/timeline.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';

const BEFORE = sampleTask('one', {
  knownAt: 2000,
  receivedAt: 1000,
  containers: [{ ...sampleContainerState('app'), knownAt: 2000 }],
});
const app = BEFORE.containers[0] ?? sampleContainerState('app');

describe('the timeline of a task', () => {
  it('begins with its arrival', () => {
    expect(arrivalOf(sampleTask('one', { known: 'STOPPED', receivedAt: 5, stoppedReason: 'no' }))).toEqual({
      at: 5,
      what: 'known',
      from: 'ABSENT',
      to: 'STOPPED',
      lasted: 0,
      why: 'received',
      reason: 'no',
    });
  });

  it('has nothing where nothing moved', () => {
    expect(transitionsOf(BEFORE, BEFORE, { kind: 'tick' }, 9)).toEqual([]);
    expect(transitionsOf(BEFORE, { ...BEFORE, pullStartedAt: 3 }, { kind: 'pullStarted' }, 9)).toEqual([]);
  });

  it('has moves of containers before those of the task, each with how long it had stood, and why', () => {
    const reason = { code: 'OutOfMemoryError', message: 'too big' };
    const after = {
      ...BEFORE,
      desired: 'STOPPED',
      known: 'STOPPED',
      knownAt: 7000,
      containers: [{ ...app, known: 'STOPPED', exitCode: 137, reason }],
    } as const;
    expect(transitionsOf(BEFORE, after, { kind: 'containerStopped' }, 7000)).toEqual([
      {
        at: 7000,
        container: 'app',
        what: 'known',
        from: 'RUNNING',
        to: 'STOPPED',
        lasted: 5000,
        why: 'containerStopped',
        exitCode: 137,
        reason: 'OutOfMemoryError: too big',
      },
      { at: 7000, what: 'desired', from: 'RUNNING', to: 'STOPPED', lasted: 6000, why: 'containerStopped' },
      { at: 7000, what: 'known', from: 'RUNNING', to: 'STOPPED', lasted: 5000, why: 'containerStopped' },
    ]);
  });

  it('has each time that a restart policy starts a container again', () => {
    const exit = { exitCode: 3, exitedAt: 6900, oomKilled: false };
    const restarts = { count: 1, at: 7000, endedRun: 0, exit };
    const after = { ...BEFORE, containers: [{ ...app, startedAt: 3000, restarts }] };
    const before = { ...BEFORE, containers: [{ ...app, startedAt: 3000 }] };
    expect(transitionsOf(before, after, { kind: 'containerStopped' }, 7000)).toEqual([
      {
        at: 7000,
        container: 'app',
        what: 'restart',
        from: 'run 1',
        to: 'run 2',
        lasted: 4000,
        why: 'containerStopped',
        exitCode: 3,
      },
    ]);
  });

  it('says of a pull whether it was lazy (CTD-93)', () => {
    const before = { ...BEFORE, containers: [{ ...app, known: 'MANIFEST_PULLED' }] } as const;
    const after = { ...before, containers: [{ ...app, known: 'PULLED' }] } as const;
    const cause = { kind: 'imagePulled', laziness: { lazyLayers: 2, layers: 3 } } as const;
    expect(transitionsOf(before, after, cause, 7000)).toMatchObject([
      { to: 'PULLED', why: 'imagePulled', reason: 'lazily, 2 of 3 layers' },
    ]);
  });
});
