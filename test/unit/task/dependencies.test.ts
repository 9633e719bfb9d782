import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src/engine/refusal.ts';
import type { DependencyCondition } from '../../../src/task/dependencies.ts';
import { NAMESPACE_PAUSE, withInternalContainers } from '../../../src/task/internal-containers.ts';
import type { ContainerSpec } from '../../../src/task/task-spec.ts';
import { containerSpec, DIGEST, TaskStory, taskSpec } from './task-story.ts';

/** `app` depends on `db`, which is not essential, so that its end is not the task's. */
function story(condition: DependencyCondition, db: Partial<ContainerSpec> = {}, rules = {}): TaskStory {
  const spec = taskSpec([
    containerSpec('db', { essential: false, ...db }),
    containerSpec('app', { dependsOn: [{ containerName: 'db', condition }] }),
  ]);
  return new TaskStory(spec, { rules }).tell({ kind: 'resourcesReady' });
}

const pull = (container: string) =>
  ({ kind: 'imagePulled', container, imageName: 'x', imageId: DIGEST }) as const;
const dbSteps = (s: TaskStory) =>
  s.tell(
    pull('db'),
    { kind: 'containerCreated', container: 'db' },
    { kind: 'containerStarted', container: 'db', pid: 1, startedAt: s.now },
  );

describe('what a container waits for', () => {
  it('resolves the digests of all containers at once (ENG-62)', () => {
    expect(story('SUCCESS').steps()).toEqual(['resolveImage db', 'resolveImage app']);
  });

  it('does not pull before its dependencies are met (ENG-63)', () => {
    const s = story('START').resolve('db', 'app');
    expect(s.steps()).toEqual(['pullImage db']);
  });

  it('pulls upfront where that is configured, and waits before the create (ENG-64)', () => {
    const s = story('START', {}, { pullUpfront: true }).resolve('db', 'app');
    expect(s.steps()).toEqual(['pullImage db', 'pullImage app']);
    expect(s.tell(pull('app')).steps()).toEqual(['pullImage db']);
  });

  it('pulls upfront only once the namespaces are there that its containers share', () => {
    const spec = withInternalContainers(taskSpec([containerSpec('app')], { pidMode: 'task' }));
    const s = new TaskStory(spec, { rules: { pullUpfront: true } }).resolve('app', NAMESPACE_PAUSE);
    expect(s.steps()).toEqual(['ensureResources']);
    s.run(NAMESPACE_PAUSE);
    expect(s.steps()).toContain('pullImage app');
  });

  it('meets CREATE when the dependency is created (ENG-65)', () => {
    const s = story('CREATE').resolve('db', 'app').tell(pull('db'));
    expect(s.steps()).not.toContain('pullImage app');
    expect(s.tell({ kind: 'containerCreated', container: 'db' }).steps()).toContain('pullImage app');
  });

  it('meets START when the dependency runs, or has run (ENG-66)', () => {
    const s = story('START')
      .resolve('db', 'app')
      .tell(pull('db'), { kind: 'containerCreated', container: 'db' });
    expect(s.steps()).not.toContain('pullImage app');
    dbSteps(s);
    expect(s.steps()).toEqual(['pullImage app']);
    expect(s.exit('db', 1).steps()).toContain('pullImage app');
  });

  it.each(['START', 'CREATE'] as const)(
    'never meets %s with a dependency that ended before it came so far (ENG-76)',
    (condition) => {
      const reason = { code: 'CannotPullContainerError', message: 'no such image' };
      const s = story(condition)
        .resolve('db', 'app')
        .tell({ kind: 'stepFailed', step: 'pullImage', container: 'db', reason });
      expect(s.container('db').known).toBe('STOPPED');
      expect(s.container('app')).toMatchObject({ known: 'STOPPED', exitCode: 143 });
      expect(s.container('app').reason?.message).toContain('will never start');
    },
  );

  it('looks again at once when a wait has become hopeless by time alone (ENG-73)', () => {
    const s = dbSteps(story('COMPLETE', { startTimeoutSec: 5 }).resolve('db', 'app'));
    s.now += 5100;
    expect(s.plan().wakeAt).toBe(s.now);
    expect(s.plan().waits).toMatchObject([{ kind: 'dependency', container: 'app', until: s.now }]);
    expect(s.passMs(1).container('app').known).toBe('STOPPED');
  });

  it.each([0, 3])('meets COMPLETE when the dependency has ended with code %i (ENG-67)', (code) => {
    const s = dbSteps(story('COMPLETE').resolve('db', 'app'));
    expect(s.steps()).toEqual([]);
    expect(s.exit('db', code).steps()).toContain('pullImage app');
  });

  it('meets SUCCESS when the dependency has ended with 0 (ENG-68)', () => {
    const s = dbSteps(story('SUCCESS').resolve('db', 'app'));
    expect(s.steps()).toEqual([]);
    expect(s.exit('db', 0).steps()).toContain('pullImage app');
  });
});

describe('dependencies that can never be met', () => {
  it('ends the dependant of an unsuccessful dependency with code 143 (ENG-75, OBS-20, ECS-50)', () => {
    const s = dbSteps(story('SUCCESS').resolve('db', 'app')).exit('db', 9);
    expect(s.container('app')).toMatchObject({
      known: 'STOPPED',
      exitCode: 143,
      reason: {
        code: 'CannotStartContainerError',
        message: expect.stringMatching(
          /^dependency graph: \[db\(.*\) \(STOPPED->RUNNING\) - Exit: 9\] for target \[app\(.*\) \(MANIFEST_PULLED->RUNNING\)\]: .*success/,
        ),
      },
    });
    expect(s.state.known).toBe('STOPPED');
    const app = s.reports.at(-1)?.containers.find((c) => c.containerName === 'app');
    expect(app).toMatchObject({ status: 'STOPPED', exitCode: 143 });
    expect(app).not.toHaveProperty('runtimeId');
  });

  it('ends the dependant when the start timeout of the dependency is over (ENG-73, ENG-74, ENG-143)', () => {
    const s = dbSteps(story('COMPLETE', { startTimeoutSec: 5 }).resolve('db', 'app'));
    expect(s.plan().wakeAt).toBeLessThanOrEqual((s.container('db').startedAt ?? 0) + 5_001);
    expect(s.passMs(4_900).container('app').known).toBe('MANIFEST_PULLED');
    s.passMs(200);
    expect(s.container('app')).toMatchObject({ known: 'STOPPED', exitCode: 143 });
    expect(s.container('app').reason).toMatchObject({
      code: 'CannotStartContainerError',
      message: expect.stringContaining('timed out'),
    });
    expect(s.steps()).toEqual(['stopContainer db']);
  });

  it('has no start timeout for START (ENG-73)', () => {
    const s = story('START', { startTimeoutSec: 1 }).resolve('db', 'app');
    s.tell(pull('db'), { kind: 'containerCreated', container: 'db' }).passMs(60_000);
    expect(s.container('app').known).toBe('MANIFEST_PULLED');
  });

  it('ends the dependant of a dependency that will never start (ENG-76)', () => {
    const s = story('COMPLETE')
      .resolve('db', 'app')
      .tell(pull('db'), {
        kind: 'stepFailed',
        step: 'createContainer',
        container: 'db',
        reason: { code: 'CannotCreateContainerError', message: 'no' },
      });
    expect(s.container('app')).toMatchObject({ known: 'STOPPED', exitCode: 143 });
    expect(s.container('app').reason?.message).toContain('never start');
  });

  it.each([
    [
      'a cycle',
      [
        containerSpec('a', { dependsOn: [{ containerName: 'b', condition: 'START' }] }),
        containerSpec('b', { dependsOn: [{ containerName: 'a', condition: 'START' }] }),
      ],
    ],
    ['itself', [containerSpec('a', { dependsOn: [{ containerName: 'a', condition: 'START' }] })]],
    [
      'a container that is not there',
      [containerSpec('a', { dependsOn: [{ containerName: 'x', condition: 'START' }] })],
    ],
  ] as const)('refuses a task whose dependencies are %s, by its ARN (ENG-34, ENG-141)', (_, containers) => {
    const spec = taskSpec(containers);
    const willing = { refusal: () => undefined };
    const refusal = refusalOf(spec, { network: willing, volumes: willing }) ?? '';
    expect(refusal.endsWith(spec.arn)).toBe(true);
    const refused = new TaskStory(spec, { refusal });
    expect(refused.reports).toMatchObject([{ status: 'STOPPED', reason: refusal, containers: [] }]);
  });
});

describe('the order of stops', () => {
  it('stops dependants before their dependencies, each with its own grace (ENG-78)', () => {
    const s = dbSteps(story('START').resolve('db', 'app')).run('app');
    s.tell({ kind: 'stopRequested' });
    expect(s.steps()).toEqual(['stopContainer app']);
    s.passMs(10_000).exit('app', 0);
    expect(s.steps()).toEqual(['stopContainer db', 'releaseContainer app']);
    expect(s.container('db').stopRequestedAt).toBeGreaterThan(s.container('app').stopRequestedAt ?? Infinity);
  });
});
