import { describe, expect, it } from 'vitest';
import { plan } from '../../../src/task/plan.ts';
import { type Activity, explain } from '../../../src/task/why.ts';
import { containerSpec, RULES, START, TaskStory, taskSpec } from './task-story.ts';

const IDLE: Activity = { underWay: [], stuck: [], pulls: new Map() };

const why = (s: TaskStory, activity: Partial<Activity> = {}) =>
  explain(s.state, plan(s.state, s.now, s.rules), { ...IDLE, ...activity }, s.now);
const texts = (s: TaskStory, activity: Partial<Activity> = {}) =>
  why(s, activity).map(({ container, what }) => `${container ?? 'task'} ${what}`);

const HEALTH = { command: ['true'], intervalMs: 1_000, timeoutMs: 500, retries: 1, startPeriodMs: 0 };
const pair = (condition: 'HEALTHY' | 'SUCCESS', over = {}) =>
  new TaskStory(
    taskSpec([
      containerSpec('db', { healthCheck: HEALTH, startTimeoutSec: 60, ...over }),
      containerSpec('app', { dependsOn: [{ containerName: 'db', condition }] }),
    ]),
  );

describe('why a task does not move', () => {
  it('is not asked of one that is as it is wanted', () => {
    expect(why(new TaskStory(taskSpec([containerSpec('main')])).run('main'))).toEqual([]);
  });

  it('is a dependency, with the last probe of one that is to be healthy', () => {
    const s = pair('HEALTHY').run('db').resolve('app').passMs(1_000);
    expect(why(s)[0]).toMatchObject({
      container: 'app',
      reason: 'dependency',
      since: s.container('app').knownAt,
      what: 'waits for container "db" to be healthy; that is RUNNING and its health check has not run yet',
      unblock: expect.stringMatching(/fails in \d\d s \(its startTimeout\)$/),
    });
    s.tell({ kind: 'healthProbed', container: 'db', result: { exitCode: 1, output: 'no route\n' } });
    expect(texts(s)).toEqual([
      'app waits for container "db" to be healthy; that is RUNNING and UNHEALTHY: its last probe ended with exit code 1 and said: no route',
    ]);
  });

  it('ends in the reason of the container when the wait fails (ENG-74, ENG-143)', () => {
    const s = pair('HEALTHY').run('db').resolve('app');
    s.tell({ kind: 'healthProbed', container: 'db', result: { exitCode: 1, output: 'no route' } });
    s.passMs(61_000);
    expect(s.container('app').reason?.message).toMatch(
      /timed out; it is RUNNING and UNHEALTHY: its last probe ended with exit code 1 and said: no route$/,
    );
  });

  it('is the share of the host: what is missing, who has the port, or who comes first', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')]), { waiting: true }).passMs(5_000);
    const other = s.state.spec.arn;
    const cases = [
      [
        { kind: 'short', shortage: { kind: 'port', port: { protocol: 'tcp', port: 80 }, holder: other } },
        /^task waits for tcp port 80 of the host, which task 7b6fb1d5d710d70b2558dc19a7bedc1d holds$/,
      ],
      [
        { kind: 'short', shortage: { kind: 'memory', needed: 60, free: 40, total: 100 } },
        /^task waits for 60 MiB of memory: 40 of the host's 100 are not taken/,
      ],
      [
        { kind: 'short', shortage: { kind: 'gpu', id: 'GPU-1', holder: other } },
        /^task waits for GPU GPU-1 of the host, which task 7b6fb1d5d710d70b2558dc19a7bedc1d holds$/,
      ],
      [{ kind: 'behind', task: other }, /^task waits for its turn behind task 7b6fb1d5/],
    ] as const;
    for (const [hostWait, text] of cases) expect(texts(s, { hostWait })[0]).toMatch(text);
    expect(why(s)[0]).toMatchObject({ reason: 'takeHostResources', since: START });
  });

  it('is a pull, with how far it is and how fast', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')])).tell({ kind: 'resourcesReady' });
    s.resolve('main');
    expect(texts(s)[0]).toContain('the registry has not told its layers yet');
    const pull = {
      bytesDone: 30_000_000,
      bytesTotal: 80_000_000,
      bytesPerSecond: 2_100_000,
      secondsLeft: 24,
      layersUnpacked: 1,
      layersTotal: 3,
    };
    const underWay = [{ kind: 'pullImage' as const, container: 'main', since: START }];
    expect(why(s, { underWay, pulls: new Map([['main', pull]]) })).toEqual([
      {
        container: 'main',
        reason: 'pullImage',
        since: START,
        what: 'pulls 127.0.0.1:5000/busybox:1: 37% of 80.0 MB at 2.1 MB/s, 24 s left, 1 of 3 layers unpacked',
        unblock: 'the end of the pull',
      },
    ]);
    const laziness = { lazyLayers: 1, layers: 3 };
    const lazily = why(s, { underWay, pulls: new Map([['main', { ...pull, laziness }]]) });
    expect(lazily[0]?.what).toMatch(/1 of 3 layers unpacked, lazily, 1 of 3 layers$/);
  });

  it('is a registry that does not answer, while it is asked again', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')])).tell({ kind: 'resourcesReady' });
    const trouble = 'registry 127.0.0.1:5000 could not be reached';
    const none = { bytesDone: 0, bytesTotal: 0, bytesPerSecond: 0, layersUnpacked: 0, layersTotal: 0 };
    const pulls = new Map([['main', { ...none, trouble }]]);
    expect(texts(s, { pulls })[0]).toMatch(/digest 127\S+ has; it failed and is tried again: registry 127/);
    s.resolve('main');
    expect(texts(s, { pulls })[0]).toMatch(
      /pulls 127\S+; it failed and is tried again: registry 127\S+ could not be reached$/,
    );
  });

  it('is a step that fails, with its error and the next try', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')])).run('main').tell({ kind: 'stopRequested' });
    const stuck = {
      kind: 'stopContainer' as const,
      container: 'main',
      since: START,
      tries: 3,
      error: 'containerd does not answer',
      retryAt: s.now + 4_000,
    };
    expect(why(s, { stuck: [stuck] })[0]).toMatchObject({
      since: START,
      what: expect.stringMatching(/it failed 3 times, last with: containerd does not answer$/),
      unblock: 'it is tried again in 4 s, and until it works',
    });
  });

  it('is the grace of a stop, and those that have to stop first', () => {
    const s = pair('SUCCESS', { healthCheck: undefined });
    s.run('db').exit('db', 0).run('app');
    const chain = new TaskStory(
      taskSpec([
        containerSpec('db'),
        containerSpec('app', { dependsOn: [{ containerName: 'db', condition: 'START' }] }),
      ]),
    ).run('db', 'app');
    chain.tell({ kind: 'stopRequested' });
    expect(texts(chain)).toEqual([
      'app has been told to stop and has not ended yet',
      'db is to stop, after those that depend on it: app',
    ]);
    expect(why(chain)[0]?.unblock).toBe(
      `its end, or SIGKILL in ${RULES.stopTimeoutMs / 1000} s (stopTimeout)`,
    );
    chain.passMs(RULES.stopTimeoutMs + 1);
    expect(texts(chain)[0]).toContain('is past its stopTimeout and is being killed');
  });

  it('is, once it is over, ECS or the time for which it is kept', () => {
    const s = new TaskStory(taskSpec([containerSpec('main')])).run('main').exit('main', 0);
    s.tell({ kind: 'containerReleased', container: 'main' });
    expect(why(s)).toMatchObject([{ reason: 'reports' }]);
    for (let n = s.state.unsettledReports; n > 0; n -= 1) s.tell({ kind: 'reportSettled' });
    expect(why(s)).toMatchObject([{ reason: 'cleanup' }]);
  });

  it('is never left open: whatever is not as it is wanted has a step or a reason', () => {
    const s = pair('HEALTHY');
    const answered = () => {
      const named = new Set(why(s).map(({ container }) => container));
      for (const { name, known, desired } of s.state.containers)
        if (known !== desired && known !== 'STOPPED') expect(named).toContain(name);
    };
    answered();
    s.resolve('db', 'app');
    answered();
    s.run('db');
    answered();
    s.tell({ kind: 'stopRequested' });
    answered();
  });
});
