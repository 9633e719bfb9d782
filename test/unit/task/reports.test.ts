import { describe, expect, it } from 'vitest';
import { containerSpec, DIGEST, START, TaskStory, taskSpec } from './task-story.ts';

const one = () => new TaskStory(taskSpec([containerSpec('main')]));
const two = (over = {}) => new TaskStory(taskSpec([containerSpec('a', over), containerSpec('b')]));

describe('what ECS is told of a task', () => {
  it('tells PENDING, RUNNING and STOPPED in that order (OBS-01)', () => {
    const story = one().run('main').exit('main', 0);
    expect(story.told()).toEqual(['PENDING main=PENDING', 'RUNNING main=RUNNING', 'STOPPED main=STOPPED']);
  });

  it('tells PENDING as soon as the digest is resolved, with it (OBS-02, ECS-39)', () => {
    const story = one().tell({ kind: 'imageResolved', container: 'main', digest: DIGEST });
    expect(story.reports).toEqual([
      {
        task: story.state.spec.arn,
        status: 'PENDING',
        reason: '',
        containers: [{ containerName: 'main', status: 'PENDING', imageDigest: DIGEST }],
      },
    ]);
  });

  it.each([
    { kind: 'imagePinned', container: 'main', digest: DIGEST },
    { kind: 'imageResolved', container: 'main' },
    {
      kind: 'imageUnresolved',
      container: 'main',
      reason: { code: 'CannotPullImageManifestError', message: 'x' },
    },
  ] as const)('tells no PENDING when no digest was resolved: $kind (OBS-04, ECS-87, ENG-89)', (event) => {
    expect(one().tell(event).reports).toEqual([]);
  });

  it('gives the RUNNING report every container with its runtime id and digest (ECS-33, ECS-82)', () => {
    const story = two().run('a', 'b');
    const running = story.reports.at(-1);
    expect(running?.status).toBe('RUNNING');
    for (const name of ['a', 'b'])
      expect(running?.containers).toContainEqual({
        containerName: name,
        status: 'RUNNING',
        runtimeId: expect.stringMatching(/^[0-9a-f]{64}$/),
        imageDigest: DIGEST,
      });
  });

  it('waits with RUNNING for every container of the task (OBS-18)', () => {
    const story = two().resolve('a', 'b').run('a');
    expect(story.told().some((line) => line.startsWith('RUNNING'))).toBe(false);
    expect(story.run('b').told().at(-1)).toBe('RUNNING a=RUNNING,b=RUNNING');
  });

  it('counts a container that already ended as having run and lists it twice (OBS-07, OBS-19, ECS-101)', () => {
    const story = two({ essential: false }).resolve('a', 'b').run('a').exit('a', 3).run('b');
    expect(story.told().at(-1)).toBe('RUNNING a=RUNNING,a=STOPPED,b=RUNNING');
    const stopped = story.reports.at(-1)?.containers[1];
    expect(stopped).toMatchObject({ status: 'STOPPED', exitCode: 3 });
  });

  it('does not repeat a container whose STOPPED was told before (OBS-10)', () => {
    const story = two({ essential: false }).resolve('a', 'b').run('a').exit('a', 0).run('b').exit('b', 0);
    expect(story.told().at(-1)).toBe('STOPPED b=STOPPED');
  });

  it('tells RUNNING of a task that is found over after a gap, then STOPPED with the code (OBS-08, OBS-09)', () => {
    const story = one().tell(
      { kind: 'imageResolved', container: 'main', digest: DIGEST },
      { kind: 'imagePulled', container: 'main', imageName: 'x', imageId: 'y' },
      { kind: 'containerCreated', container: 'main' },
      {
        kind: 'containerObserved',
        container: 'main',
        knownBefore: 'CREATED',
        observation: { state: 'exited', exit: { exitCode: 7, exitedAt: START, oomKilled: false } },
      },
    );
    expect(story.told()).toEqual(['PENDING main=PENDING', 'RUNNING main=RUNNING', 'STOPPED main=STOPPED']);
    expect(story.reports[1]?.containers[0]).toMatchObject({ status: 'RUNNING', exitCode: 7 });
    expect(story.reports[2]?.containers[0]).toMatchObject({ status: 'STOPPED', exitCode: 7 });
  });

  it('tells a container change alone within 10 to 30 s, with the status of the task (OBS-06, ECS-37, ECS-86)', () => {
    const story = two({ essential: false }).run('a', 'b');
    const before = story.reports.length;
    story.exit('a', 0).passMs(9_000);
    expect(story.reports.length).toBe(before);
    story.passMs(21_100);
    expect(story.told().slice(before)).toEqual(['RUNNING a=STOPPED']);
  });

  it('sends the status of a task that is not up yet as PENDING (ECS-38)', () => {
    const story = two().resolve('a', 'b').run('a').passMs(31_000);
    expect(story.told().at(-1)).toBe('PENDING a=RUNNING');
  });

  it('leaves the reason of the task empty for an ordinary end (OBS-11, OBS-12, ECS-35)', () => {
    const story = one().run('main').exit('main', 1);
    expect(story.reports.map((report) => report.reason)).toEqual(['', '', '']);
  });

  it('puts the error of a container into its own reason (OBS-13, ENG-16)', () => {
    const story = one().tell({
      kind: 'stepFailed',
      step: 'pullImage',
      container: 'main',
      reason: { code: 'CannotPullContainerError', message: 'no such image' },
    });
    const report = story.reports.at(-1);
    expect(report).toMatchObject({ status: 'STOPPED', reason: '' });
    expect(report?.containers).toEqual([
      { containerName: 'main', status: 'STOPPED', reason: 'CannotPullContainerError: no such image' },
    ]);
  });

  it('keeps executionStoppedAt in every STOPPED of a task it took, also when nothing ran (OBS-15, ECS-84)', () => {
    const ran = one().run('main').exit('main', 0);
    expect(ran.reports.at(-1)?.executionStoppedAt).toBe(ran.container('main').finishedAt);
    const never = one().tell({ kind: 'stopRequested' });
    expect(never.reports.at(-1)?.executionStoppedAt).toBeTypeOf('number');
  });

  it('tells a task refused in set-up by its reason alone, in its own words (OBS-16)', () => {
    const story = new TaskStory(taskSpec([containerSpec('main')]), {
      refusal: 'resource cannot be initialized\n for it: no  volumes',
    });
    expect(story.reports).toEqual([
      {
        task: story.state.spec.arn,
        status: 'STOPPED',
        reason: 'resource cannot be initialized for it: no volumes',
        containers: [],
      },
    ]);
  });

  it('tells STOPPED at once of a task never seen that is to stop (OBS-21, ACS-34)', () => {
    const story = new TaskStory(taskSpec([containerSpec('main')]), { desired: 'STOPPED' });
    expect(story.reports).toMatchObject([
      { status: 'STOPPED', reason: '', containers: [{ containerName: 'main', status: 'STOPPED' }] },
    ]);
    expect(story.reports[0]?.containers[0]).not.toHaveProperty('exitCode');
    expect(story.reports[0]?.containers[0]).not.toHaveProperty('runtimeId');
    expect(story.steps()).toEqual([]);
  });

  it('goes from PENDING to STOPPED without RUNNING when stopped before the start (OBS-22, ENG-50)', () => {
    const story = one().tell(
      { kind: 'imageResolved', container: 'main', digest: DIGEST },
      { kind: 'stopRequested' },
    );
    expect(story.told()).toEqual(['PENDING main=PENDING', 'STOPPED main=STOPPED']);
    expect(story.reports[1]?.containers[0]).not.toHaveProperty('exitCode');
  });

  it('has pull times only when something was pulled (ECS-83, ECS-100)', () => {
    const cached = one().run('main');
    expect(cached.reports.at(-1)).not.toHaveProperty('pullStartedAt');
    const pulled = one().tell({ kind: 'pullStarted' }, { kind: 'pullEnded' }).run('main');
    expect(pulled.reports.at(-1)?.pullStoppedAt).toBeGreaterThan(
      pulled.reports.at(-1)?.pullStartedAt ?? Infinity,
    );
  });

  it('takes the first pull for the start and the last for the end (ECS-61, ECS-99)', () => {
    const story = two().tell({ kind: 'pullStarted' }, { kind: 'pullEnded' });
    const first = story.state;
    story.tell({ kind: 'pullStarted' }, { kind: 'pullEnded' });
    expect(story.state.pullStartedAt).toBe(first.pullStartedAt);
    expect(story.state.pullStoppedAt).toBe((first.pullStoppedAt ?? 0) + 20);
  });

  it('gives no exit code to a container whose pull failed (ECS-96)', () => {
    const story = one().tell({
      kind: 'stepFailed',
      step: 'pullImage',
      container: 'main',
      reason: { code: 'CannotPullContainerError', message: 'x' },
    });
    expect(story.reports.at(-1)?.containers[0]).not.toHaveProperty('exitCode');
  });

  it('names a pull that fails after its manifest was had (ECS-95)', () => {
    const story = one().tell(
      { kind: 'imageResolved', container: 'main', digest: DIGEST },
      {
        kind: 'stepFailed',
        step: 'pullImage',
        container: 'main',
        reason: { code: 'CannotPullContainerError', message: 'connection reset' },
      },
    );
    expect(story.reports.at(-1)?.containers[0]?.reason).toBe('CannotPullContainerError: connection reset');
  });

  it('gives every stopped container that ran its exit code (ECS-34)', () => {
    const story = two().run('a', 'b').exit('a', 3).exit('b', 0);
    const codes = story.reports.at(-1)?.containers.map((c) => [c.containerName, c.exitCode]);
    expect(codes).toEqual([
      ['a', 3],
      ['b', 0],
    ]);
  });

  it('names an OOM kill and keeps its exit code (ECS-48, ECS-94, ENG-20)', () => {
    const story = one().run('main').exit('main', 137, true);
    expect(story.reports.at(-1)?.containers[0]).toMatchObject({
      exitCode: 137,
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
  });

  it('keeps the manifest error in front when the pull fails after it (ECS-49, OBS-101)', () => {
    const story = one().tell(
      {
        kind: 'imageUnresolved',
        container: 'main',
        reason: { code: 'CannotPullImageManifestError', message: 'registry said 404' },
      },
      { kind: 'pullStarted' },
      { kind: 'pullEnded' },
      {
        kind: 'stepFailed',
        step: 'pullImage',
        container: 'main',
        reason: { code: 'CannotPullContainerError', message: 'not there' },
      },
    );
    const report = story.reports.at(-1);
    expect(report?.containers[0]?.reason).toMatch(
      /^CannotPullImageManifestError: registry said 404; CannotPullContainerError: not there$/,
    );
    expect(report?.pullStartedAt).toBeTypeOf('number');
    expect(report?.pullStoppedAt).toBeTypeOf('number');
  });

  it('tells nothing about a task that is over (ECS-45)', () => {
    const story = one().run('main').exit('main', 0);
    const before = story.reports.length;
    story.tell({ kind: 'containerReleased', container: 'main' }).passMs(60_000).exit('main', 9);
    expect(story.reports.length).toBe(before);
  });
});
