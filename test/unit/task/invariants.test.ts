import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reasonOf, renderReason } from '../../../src/task/errors.ts';
import type { TaskEvent } from '../../../src/task/event.ts';
import { CONTAINER_STATUSES, compareContainerStatus, compareTaskStatus } from '../../../src/task/statuses.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

/** Any event of a container of the task, also such as make no sense now. */
const anyEvent = (now: () => number): fc.Arbitrary<TaskEvent> => {
  const container = fc.constantFrom('a', 'b');
  const reason = { code: 'CannotStartContainerError', message: 'no' };
  const exit = { exitCode: 1, exitedAt: now(), oomKilled: false };
  return fc.oneof(
    fc.constant<TaskEvent>({ kind: 'stopRequested' }),
    fc.constant<TaskEvent>({ kind: 'resourcesReady' }),
    fc.constant<TaskEvent>({ kind: 'tick' }),
    fc.constant<TaskEvent>({ kind: 'reportSettled' }),
    container.map((name): TaskEvent => ({ kind: 'imageResolved', container: name })),
    container.map((name): TaskEvent => ({ kind: 'imageUnresolved', container: name, reason })),
    container.map(
      (name): TaskEvent => ({ kind: 'imagePulled', container: name, imageName: 'i', imageId: 'i' }),
    ),
    container.map((name): TaskEvent => ({ kind: 'containerCreated', container: name })),
    container.map(
      (name): TaskEvent => ({ kind: 'containerStarted', container: name, pid: 1, startedAt: now() }),
    ),
    container.map((name): TaskEvent => ({ kind: 'containerStopped', container: name, exit })),
    container.map(
      (name): TaskEvent => ({ kind: 'stepFailed', step: 'startContainer', container: name, reason }),
    ),
    container.map((name): TaskEvent => ({ kind: 'stepTimedOut', container: name, reason })),
    container.map(
      (name): TaskEvent => ({
        kind: 'containerObserved',
        container: name,
        knownBefore: 'CREATED',
        observation: { state: 'running', pid: 2 },
      }),
    ),
  );
};

describe('whatever happens in whatever order', () => {
  it('no status goes back, no wish is taken back, and RESOURCES_PROVISIONED is not reached (ENG-04, ENG-12, ENG-137)', () => {
    fc.assert(
      fc.property(fc.array(anyEvent(Date.now), { maxLength: 40 }), (events) => {
        const s = new TaskStory(
          taskSpec([
            containerSpec('a', { essential: false }),
            containerSpec('b', { dependsOn: [{ containerName: 'a', condition: 'START' }] }),
          ]),
        );
        for (const event of events) {
          const before = s.state;
          s.tell(event);
          expect(compareTaskStatus(s.state.known, before.known)).toBeGreaterThanOrEqual(0);
          for (const [i, container] of s.state.containers.entries()) {
            const was = before.containers[i];
            if (was === undefined) throw new Error('a container has gone');
            expect(compareContainerStatus(container.known, was.known)).toBeGreaterThanOrEqual(0);
            expect(container.known).not.toBe('RESOURCES_PROVISIONED');
            if (was.desired === 'STOPPED') expect(container.desired).toBe('STOPPED');
          }
          if (before.desired === 'STOPPED') expect(s.state.desired).toBe('STOPPED');
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('statuses', () => {
  it('are in this order (ENG-01)', () => {
    expect(CONTAINER_STATUSES).toEqual([
      'NONE',
      'MANIFEST_PULLED',
      'PULLED',
      'CREATED',
      'RUNNING',
      'RESOURCES_PROVISIONED',
      'STOPPED',
    ]);
  });

  it('have their end for an ordinary container at RUNNING: nothing more is done for it (ENG-03)', () => {
    const s = new TaskStory(taskSpec([containerSpec('a')])).run('a');
    expect(s.container('a').known).toBe('RUNNING');
    expect(s.plan()).toMatchObject({ steps: [], waits: [] });
    expect(s.state.known).toBe('RUNNING');
  });
});

describe("a task's cgroup and directories", () => {
  it('are made while it is to run, and otherwise only removed (ENG-13)', () => {
    const s = new TaskStory(taskSpec([containerSpec('a')]), { rules: { cleanupWaitMs: 0 } });
    expect(s.steps()).toContain('ensureResources');
    s.tell({ kind: 'stopRequested' });
    expect(s.steps()).not.toContain('ensureResources');
    for (let n = s.state.unsettledReports; n > 0; n -= 1) s.tell({ kind: 'reportSettled' });
    expect(s.steps()).toEqual(['removeResources']);
    s.tell({ kind: 'resourcesRemoved' });
    expect(s.steps()).toEqual(['forgetTask']);
  });
});

describe('an error without a name that ECS knows', () => {
  it('is an UnknownError with its text (ENG-139)', () => {
    expect(renderReason(reasonOf(new Error('no luck')))).toBe('UnknownError: no luck');
  });
});

describe('changes of containers', () => {
  it('wait for the next report of the task, or 10 to 30 s (ENG-91)', () => {
    const two = () =>
      new TaskStory(taskSpec([containerSpec('a', { essential: false }), containerSpec('b')])).run('a', 'b');
    const alone = two().exit('a', 0);
    const told = alone.reports.length;
    const due = alone.plan().wakeAt - alone.now;
    expect(due).toBeGreaterThanOrEqual(9_990);
    expect(due).toBeLessThanOrEqual(30_000);
    alone.passMs(due);
    expect(alone.told().slice(told)).toEqual(['RUNNING a=STOPPED']);
    const together = two().exit('a', 0).exit('b', 0);
    expect(together.told().at(-1)).toBe('STOPPED a=STOPPED,b=STOPPED');
  });
});
