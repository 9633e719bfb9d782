import { describe, expect, it } from 'vitest';
import { containerSpec, DIGEST, START, TaskStory, taskSpec } from './task-story.ts';

const one = (over = {}) => new TaskStory(taskSpec([containerSpec('main', over)]));
const pair = () =>
  new TaskStory(taskSpec([containerSpec('main'), containerSpec('helper', { essential: false })]));

describe('how a task moves', () => {
  it('is as far as its least advanced container (ENG-07)', () => {
    const story = pair().run('main');
    expect(story.state.known).toBe('NONE');
    story.tell({ kind: 'imageResolved', container: 'helper', digest: DIGEST });
    expect(story.state.known).toBe('MANIFEST_PULLED');
    expect(story.run('helper').state.known).toBe('RUNNING');
  });

  it('counts a pulled container as MANIFEST_PULLED (ENG-06)', () => {
    const story = one().tell(
      { kind: 'imageResolved', container: 'main', digest: DIGEST },
      { kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' },
    );
    expect(story.container('main').known).toBe('PULLED');
    expect(story.state.known).toBe('MANIFEST_PULLED');
  });

  it('stands still while an essential container has stopped and the rest still runs (ENG-08, ENG-09)', () => {
    const running = new TaskStory(taskSpec([containerSpec('main'), containerSpec('other')]))
      .resolve('main', 'other')
      .run('other')
      .tell(
        { kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' },
        { kind: 'containerCreated', container: 'main' },
        { kind: 'containerStopped', container: 'main' },
      );
    expect(running.state.desired).toBe('STOPPED');
    expect(running.state.known).toBe('CREATED');
  });

  it('goes on running when a container that is not essential ends (ENG-10)', () => {
    const story = pair().run('main', 'helper').exit('helper', 1);
    expect(story.state.known).toBe('RUNNING');
    expect(story.state.desired).toBe('RUNNING');
  });

  it('never goes back, whatever comes late or twice (ENG-137, ENG-83)', () => {
    const story = one().run('main').exit('main', 0);
    const over = story.state;
    story.run('main').exit('main', 5).tell({ kind: 'stopRequested' });
    expect(story.state.known).toBe('STOPPED');
    expect(story.container('main')).toEqual(over.containers[0]);
  });

  it('returns the same state for an event that says nothing new', () => {
    const story = one().run('main');
    const before = story.state;
    story.tell({ kind: 'tick' }, { kind: 'resourcesReady' }, { kind: 'containerCreated', container: 'main' });
    expect(story.state).toBe(before);
  });

  it('ignores a wish that is not above the present one (ENG-11, ACS-33)', () => {
    const story = one().run('main').tell({ kind: 'stopRequested' });
    const before = story.state;
    expect(story.tell({ kind: 'stopRequested' }).state).toBe(before);
  });

  it('keeps the first error of a container (ENG-17)', () => {
    const story = one().run('main');
    const fail = (message: string) =>
      story.tell({
        kind: 'stepFailed',
        step: 'startContainer',
        container: 'main',
        reason: { code: 'CannotStartContainerError', message },
      });
    fail('first');
    fail('second');
    expect(story.container('main').reason?.message).toBe('first');
  });

  it('stops the container, not its status, when a create fails (ENG-43, ENG-155)', () => {
    const story = one().tell(
      { kind: 'resourcesReady' },
      { kind: 'imageResolved', container: 'main', digest: DIGEST },
      { kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' },
      {
        kind: 'stepFailed',
        step: 'createContainer',
        container: 'main',
        reason: { code: 'CannotCreateContainerError', message: 'no' },
      },
    );
    expect(story.container('main')).toMatchObject({ known: 'PULLED', desired: 'STOPPED' });
    expect(story.steps()).toEqual(['stopContainer main']);
  });

  it('stops the task when its resources cannot be made, with the reason set once (ENG-14, ENG-15, ENG-138)', () => {
    const fail = (message: string) =>
      ({ kind: 'stepFailed', step: 'ensureResources', reason: { code: 'CgroupError', message } }) as const;
    const story = one().tell(fail('no  room\nleft'), fail('again'));
    expect(story.state.known).toBe('STOPPED');
    expect(story.state.stoppedReason).toBe('CgroupError: no room left');
    expect(story.reports.at(-1)?.reason).toBe('CgroupError: no room left');
  });

  it('stops the task at a failed pull where the pull behaviour says so (ENG-85)', () => {
    const failure = {
      kind: 'stepFailed',
      step: 'pullImage',
      container: 'helper',
      reason: { code: 'CannotPullContainerError', message: 'x' },
    } as const;
    const spec = taskSpec([containerSpec('main'), containerSpec('helper', { essential: false })]);
    const strict = new TaskStory(spec, { rules: { pullFailureStops: true } });
    expect(strict.tell(failure).state.desired).toBe('STOPPED');
    expect(new TaskStory(spec).tell(failure).state.desired).toBe('RUNNING');
  });

  it.each(['absent', 'created', 'released'] as const)(
    'stops a running container that the runtime says is %s, without inventing an exit code (ENG-123, CTD-81)',
    (state) => {
      const story = one().run('main');
      story.tell({
        kind: 'containerObserved',
        container: 'main',
        knownBefore: 'RUNNING',
        observation: { state },
      });
      expect(story.container('main')).toMatchObject({
        known: 'STOPPED',
        reason: { code: 'ContainerVanishedError' },
      });
      expect(story.container('main').exitCode).toBeUndefined();
    },
  );

  it('tells that a container is gone by the words of ECS, without an exit code (OBS-124)', () => {
    const observation = { state: 'absent' } as const;
    const story = one().run('main');
    story.tell({ kind: 'containerObserved', container: 'main', knownBefore: 'RUNNING', observation });
    const [told] = story.reports.at(-1)?.containers ?? [];
    expect(told).toMatchObject({
      status: 'STOPPED',
      reason: 'ContainerVanishedError: No container matching saved ID found',
    });
    expect(told).not.toHaveProperty('exitCode');
  });

  it('does not take an old look at the runtime for news', () => {
    const story = one().run('main');
    const before = story.state;
    story.tell(
      {
        kind: 'containerObserved',
        container: 'main',
        knownBefore: 'PULLED',
        observation: { state: 'absent' },
      },
      {
        kind: 'containerObserved',
        container: 'main',
        knownBefore: 'CREATED',
        observation: { state: 'created' },
      },
    );
    expect(story.state).toBe(before);
  });

  it('takes the stop of the first essential container for executionStoppedAt (ENG-88)', () => {
    const story = pair().run('main', 'helper').exit('helper', 0);
    expect(story.state.executionStoppedAt).toBeUndefined();
    story.exit('main', 0);
    expect(story.state.executionStoppedAt).toBe(story.container('main').finishedAt);
  });
});

describe('what is done for a task', () => {
  it('resolves, pulls, creates and starts each container in turn', () => {
    const story = one();
    expect(story.steps()).toEqual(['ensureResources', 'resolveImage main']);
    story.tell({ kind: 'imageResolved', container: 'main', digest: DIGEST });
    expect(story.steps()).toEqual(['ensureResources', 'pullImage main']);
    story.tell({ kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' });
    expect(story.steps()).toEqual(['ensureResources']);
    story.tell({ kind: 'resourcesReady' });
    expect(story.steps()).toEqual(['createContainer main']);
    story.tell({ kind: 'containerCreated', container: 'main' });
    expect(story.steps()).toEqual(['startContainer main']);
    story.tell({ kind: 'containerStarted', container: 'main', pid: 1, startedAt: START });
    expect(story.steps()).toEqual([]);
  });

  it.each([{ stopTimeoutSec: 5, grace: 5_000 }, { stopTimeoutSec: 0, grace: 30_000 }, { grace: 30_000 }])(
    'gives a container its own stop timeout above zero, else the setting (ENG-45): $stopTimeoutSec',
    (row) => {
      const { grace, ...over } = row;
      const story = one(over).run('main').tell({ kind: 'stopRequested' });
      const requested = story.container('main').stopRequestedAt ?? 0;
      expect(story.passMs(3_000).steps()).toEqual(['stopContainer main']);
      expect(killAt(story)).toBe(requested + grace);
    },
  );

  it('cleans up after the wait, counted from the end, and only when ECS knows it all (ENG-117, ENG-118, RES-02)', () => {
    const story = one().run('main').exit('main', 0).tell({ kind: 'containerReleased', container: 'main' });
    const wait = story.rules.cleanupWaitMs;
    expect(story.passMs(wait + 1).steps()).toEqual([]);
    for (const _ of story.reports) story.tell({ kind: 'reportSettled' });
    expect(story.steps()).toEqual(['removeContainer main']);
    story.tell({ kind: 'containerRemoved', container: 'main' });
    expect(story.steps()).toEqual(['removeResources']);
    story.tell({ kind: 'resourcesRemoved' });
    expect(story.steps()).toEqual(['forgetTask']);
  });

  it('keeps a stopped task until the clean-up wait is over (ENG-117)', () => {
    const story = one().run('main').exit('main', 0).tell({ kind: 'containerReleased', container: 'main' });
    for (const _ of story.reports) story.tell({ kind: 'reportSettled' });
    expect(story.passMs(story.rules.cleanupWaitMs - 1_000).steps()).toEqual([]);
    expect(story.passMs(2_000).steps()).toEqual(['removeContainer main']);
  });
});

function killAt(story: TaskStory): number | undefined {
  const step = story.plan().steps.find((s) => s.kind === 'stopContainer');
  return step?.kind === 'stopContainer' ? step.killAtMs : undefined;
}

describe('a restart of the host', () => {
  it('ends what ran with a reason and no exit code, whatever its restart policy says', () => {
    const story = one({ restartPolicy: { ignoredExitCodes: [], attemptPeriodMs: 0 } })
      .run('main')
      .tell({ kind: 'hostRestarted' });
    expect(story.container('main')).toMatchObject({
      known: 'STOPPED',
      reason: { code: 'ContainerVanishedError', message: expect.stringMatching(/^The host has restarted: /) },
    });
    expect(story.container('main').exitCode).toBeUndefined();
    expect(story.reports.at(-1)).toMatchObject({
      status: 'STOPPED',
      containers: [{ status: 'STOPPED' }],
    });
    const over = story.state;
    expect(story.tell({ kind: 'hostRestarted' }).state).toBe(over);
  });

  it('ends what was created, as nothing it was made with is there, and lets go on what was not', () => {
    const story = pair()
      .tell({ kind: 'resourcesReady' })
      .resolve('main', 'helper')
      .tell(
        { kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' },
        { kind: 'imagePulled', container: 'helper', imageName: 'x', imageId: 'y' },
        { kind: 'containerCreated', container: 'helper' },
        { kind: 'hostRestarted' },
      );
    expect(story.container('helper')).toMatchObject({ known: 'STOPPED' });
    expect(story.container('helper').startedAt).toBeUndefined();
    expect(story.container('main').known).toBe('PULLED');
    expect(story.state.desired).toBe('RUNNING');
    expect(story.steps()).toContain('ensureResources');
  });
});
