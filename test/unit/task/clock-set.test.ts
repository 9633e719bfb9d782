import { describe, expect, it } from 'vitest';
import { plan } from '../../../src/task/plan.ts';
import { containerSpec, RULES, TaskStory, taskSpec } from './task-story.ts';

const HOUR_MS = 3_600_000;

/** What is planned by an agent that has started again with its clock set back. */
const planBack = (s: TaskStory) => plan(s.state, s.now - HOUR_MS, RULES);

describe('a clock that is set back while the agent is away', () => {
  it('does not put off the SIGKILL of a stop that has begun', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')])).run('main').tell({ kind: 'stopRequested' });
    expect(planBack(s).steps).toEqual([
      { kind: 'stopContainer', container: 'main', killAtMs: s.now - HOUR_MS + RULES.stopTimeoutMs },
    ]);
  });

  it('does not put off health checks', () => {
    const healthCheck = {
      command: ['true'],
      intervalMs: 5_000,
      timeoutMs: 5_000,
      retries: 3,
      startPeriodMs: 0,
    };
    const s = new TaskStory(taskSpec([containerSpec('main', { healthCheck })])).run('main');
    expect(planBack(s).steps).toEqual([{ kind: 'probeHealth', container: 'main' }]);
    s.tell({ kind: 'healthProbed', container: 'main', result: { exitCode: 0, output: '' } });
    expect(planBack(s).steps).toEqual([{ kind: 'probeHealth', container: 'main' }]);
  });
});

describe('a clock that is set while a container runs', () => {
  it.each([
    ['back', -HOUR_MS],
    ['forward', HOUR_MS],
  ])('%s: its restart policy goes by how long it really ran', (_, jumpMs) => {
    const restartPolicy = { ignoredExitCodes: [], attemptPeriodMs: 60_000 };
    const ranFor = (ms: number) => {
      const s = new TaskStory(taskSpec([containerSpec('main', { restartPolicy })])).run('main');
      s.now += ms;
      const exit = { exitCode: 1, exitedAt: s.now + jumpMs, oomKilled: false };
      return s.tell({ kind: 'containerStopped', container: 'main', exit }).container('main').known;
    };
    expect(ranFor(61_000)).toBe('RUNNING');
    expect(ranFor(50_000)).toBe('STOPPED');
  });
});
