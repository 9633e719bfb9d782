import { describe, expect, it } from 'vitest';
import { differOnlyInProbes, type HealthCheck } from '../../../src/task/health.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

const CHECK: HealthCheck = {
  command: ['/bin/sh', '-c', 'true'],
  intervalMs: 1_000,
  timeoutMs: 500,
  retries: 3,
  startPeriodMs: 0,
};

function running(check: Partial<HealthCheck> = {}): TaskStory {
  return new TaskStory(taskSpec([containerSpec('main', { healthCheck: { ...CHECK, ...check } })])).run(
    'main',
  );
}

const probe = (s: TaskStory, exitCode: number | undefined, output = '') =>
  s.tell({
    kind: 'healthProbed',
    container: 'main',
    result: { output, ...(exitCode !== undefined && { exitCode }) },
  });
const status = (s: TaskStory) => s.container('main').health?.status ?? 'UNKNOWN';

describe('health checks', () => {
  it('are due an interval after the start, then after each probe, while the container runs', () => {
    const s = running();
    expect(s.steps()).toEqual([]);
    expect(s.plan().wakeAt).toBe((s.container('main').knownAt ?? 0) + 1_000);
    expect(s.passMs(1_000).steps()).toEqual(['probeHealth main']);
    probe(s, 0);
    expect(s.steps()).toEqual([]);
    expect(s.passMs(1_000).steps()).toEqual(['probeHealth main']);
    expect(s.tell({ kind: 'stopRequested' }).steps()).toEqual(['stopContainer main']);
  });

  it('make a container HEALTHY at the first success', () => {
    expect(status(running())).toBe('UNKNOWN');
    expect(status(probe(running(), 0))).toBe('HEALTHY');
  });

  it('make it UNHEALTHY after so many failures in a row, time-outs among them', () => {
    const s = probe(probe(running(), 1), undefined);
    expect(status(s)).toBe('UNKNOWN');
    expect(status(probe(s, 1))).toBe('UNHEALTHY');
    const again = probe(probe(probe(probe(running(), 1), 1), 0), 1);
    expect(status(probe(again, 1))).toBe('HEALTHY');
    expect(status(probe(again, 1))).toBe('UNHEALTHY');
  });

  it('do not count failures in the start period, which a success ends', () => {
    const s = running({ startPeriodMs: 10_000, retries: 1 });
    expect(status(probe(probe(s, 1), 1))).toBe('UNKNOWN');
    expect(status(probe(probe(s, 0), 1))).toBe('UNHEALTHY');
    const late = running({ startPeriodMs: 100, retries: 1 }).passMs(200);
    expect(status(probe(late, 1))).toBe('UNHEALTHY');
  });

  it('keep the output of the last probe, at most 1024 characters (ENG-130)', () => {
    expect(probe(running(), 1, 'x'.repeat(3_000)).container('main').health?.output).toBe('x'.repeat(1_024));
  });

  it('change the record only with the status (ENG-150)', () => {
    const s = probe(running(), 0);
    const healthy = s.state;
    probe(s, 0);
    expect(differOnlyInProbes(healthy, s.state)).toBe(true);
    expect(s.container('main').health?.since).toBe(healthy.containers[0]?.health?.since);
    probe(probe(probe(s, 1), 1), 1);
    expect(differOnlyInProbes(healthy, s.state)).toBe(false);
  });

  it('change nothing but the health (ENG-87)', () => {
    const s = running();
    const { health: _, ...before } = s.container('main');
    const { health: __, ...after } = probe(s, 1).container('main');
    expect(after).toEqual(before);
    const unchecked = new TaskStory(taskSpec([containerSpec('main')])).run('main');
    expect(probe(unchecked, 0).container('main').health).toBeUndefined();
  });

  it('leave an UNHEALTHY container running', () => {
    const s = probe(probe(probe(running(), 1), 1), 1);
    expect(s.state).toMatchObject({ known: 'RUNNING', desired: 'RUNNING' });
  });

  it('show a container that has ended as UNHEALTHY (OBS-105)', () => {
    expect(status(probe(running(), 0).exit('main', 0))).toBe('UNHEALTHY');
  });
});

describe('a dependency on HEALTHY', () => {
  const story = (over = {}) =>
    new TaskStory(
      taskSpec([
        containerSpec('main', { healthCheck: CHECK, ...over }),
        containerSpec('app', { dependsOn: [{ containerName: 'main', condition: 'HEALTHY' }] }),
      ]),
    )
      .resolve('main', 'app')
      .run('main');

  it('is met by a reported check that succeeds (ENG-69)', () => {
    const s = story();
    expect(s.steps()).toEqual([]);
    expect(probe(s, 1).steps()).toEqual([]);
    expect(probe(s, 0).steps()).toEqual(['pullImage app']);
  });

  it('ends with code 143 when the dependency does not become healthy in time (ENG-73, ENG-74)', () => {
    const s = story({ startTimeoutSec: 5 });
    probe(s, 1).passMs(5_100);
    expect(s.container('app')).toMatchObject({ known: 'STOPPED', exitCode: 143 });
  });

  it('ends when the dependency ends', () => {
    const s = story({ essential: false }).exit('main', 0);
    expect(s.container('app')).toMatchObject({ known: 'STOPPED', exitCode: 143 });
  });
});
