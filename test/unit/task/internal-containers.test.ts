import { describe, expect, it } from 'vitest';
import {
  NAMESPACE_PAUSE,
  NETWORK_PAUSE,
  withInternalContainers,
  withNetworkPause,
} from '../../../src/task/internal-containers.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import { explain } from '../../../src/task/why.ts';
import { containerSpec, DIGEST, TaskStory, taskSpec } from './task-story.ts';

const PAUSE = NAMESPACE_PAUSE;
const shared = (over: Partial<TaskSpec> = { pidMode: 'task' }) =>
  withInternalContainers(taskSpec([containerSpec('app'), containerSpec('side', { essential: false })], over));

/** Up to the start of the pause container. */
function paused(story: TaskStory): TaskStory {
  return story.tell(
    { kind: 'resourcesReady' },
    { kind: 'containerCreated', container: PAUSE },
    { kind: 'containerStarted', container: PAUSE, pid: 7, startedAt: story.now },
  );
}

const running = () => paused(new TaskStory(shared())).run('app', 'side');

describe('a task whose containers share namespaces', () => {
  it.each([{ pidMode: 'task' }, { ipcMode: 'task' }, { pidMode: 'host', ipcMode: 'task' }] as const)(
    'has one more container, which all others wait for: %j (ENG-59)',
    (modes) => {
      const { containers } = shared(modes);
      expect(containers.map(({ name }) => name)).toEqual(['app', 'side', '~internal~ecs~pause~namespace']);
      const on = { containerName: PAUSE, condition: 'START' };
      expect(containers.map(({ dependsOn }) => dependsOn)).toEqual([[on], [on], []]);
    },
  );

  it.each([{}, { pidMode: 'host' }, { ipcMode: 'host' }, { ipcMode: 'none' }] as const)(
    'has none where none are shared within it: %j (ENG-59)',
    (modes) => {
      expect(shared(modes).containers.map(({ name }) => name)).toEqual(['app', 'side']);
    },
  );

  it('gets none of it, as nothing else, before it has its share of the host', () => {
    const story = new TaskStory(shared(), { waiting: true });
    expect(story.steps()).toEqual(['takeHostResources']);
    story.tell({ kind: 'stopRequested' });
    expect(story.state).toMatchObject({ known: 'STOPPED', stoppedReason: '' });
    expect(story.told()).toEqual(['STOPPED app=STOPPED,side=STOPPED']);
  });

  it('makes and starts it, pulls nothing for it, and pulls the others when it runs (ENG-59)', () => {
    const story = new TaskStory(shared());
    expect(story.steps()).toEqual(['ensureResources', 'resolveImage app', 'resolveImage side']);
    story.tell({ kind: 'resourcesReady' }).resolve('app', 'side');
    expect(story.steps()).toEqual([`createContainer ${PAUSE}`]);
    story.tell({ kind: 'containerCreated', container: PAUSE });
    expect(story.steps()).toEqual([`startContainer ${PAUSE}`]);
    const none = { underWay: [], stuck: [], pulls: new Map() };
    expect(explain(story.state, story.plan(), none, story.now)).toContainEqual(
      expect.objectContaining({
        container: 'app',
        reason: 'dependency',
        what: `waits for container "${PAUSE}" to be started; that is CREATED`,
      }),
    );
    paused(story);
    expect(story.steps()).toEqual(['pullImage app', 'pullImage side']);
  });

  it('tells ECS of its own containers alone (ENG-90, ENG-156, ECS-40)', () => {
    const story = running();
    story.exit('app', 0).exit('side', 143).exit(PAUSE, 0);
    expect(story.state.known).toBe('STOPPED');
    expect(story.told()).toEqual([
      'PENDING app=PENDING,side=PENDING',
      'RUNNING app=RUNNING,side=RUNNING',
      'STOPPED app=STOPPED,side=STOPPED',
    ]);
    expect(story.state.stoppedReason).toBe('');
  });

  it('tells so too when it is stopped as it arrives (ENG-90)', () => {
    expect(new TaskStory(shared(), { desired: 'STOPPED', waiting: true }).told()).toEqual([
      'STOPPED app=STOPPED,side=STOPPED',
    ]);
  });

  it('stops it when all others have stopped, and is over when it is (ENG-58)', () => {
    const story = running().tell({ kind: 'stopRequested' });
    expect(story.steps()).toEqual(['stopContainer app', 'stopContainer side']);
    expect(story.exit('app', 143).steps()).not.toContain(`stopContainer ${PAUSE}`);
    story.exit('side', 143);
    expect(story.steps()).toContain(`stopContainer ${PAUSE}`);
    expect(story.state.known).not.toBe('STOPPED');
    expect(story.exit(PAUSE, 0).state.known).toBe('STOPPED');
  });

  it('ends with it, and says why (ENG-61)', () => {
    const story = running().exit(PAUSE, 137);
    expect(story.state).toMatchObject({
      desired: 'STOPPED',
      stoppedReason: `TaskStateError: the namespaces that the containers of the task share are gone: ${PAUSE} has ended (exit code 137)`,
    });
    story.exit('app', 137).exit('side', 137);
    expect(story.reports.at(-1)).toMatchObject({
      status: 'STOPPED',
      reason: expect.stringMatching(/^TaskStateError: /),
    });
  });

  it('says so also when those that died with it are told before it (ENG-61)', () => {
    const story = running().exit('app', 137).exit('side', 137).exit(PAUSE, 137);
    expect(story.state).toMatchObject({
      known: 'STOPPED',
      stoppedReason: expect.stringMatching(/^TaskStateError: /),
    });
  });

  it('says nothing when it had been stopped long before, or its end was asked for', () => {
    const late = running().tell({ kind: 'stopRequested' }).exit('app', 143).passMs(5_000);
    expect(late.exit(PAUSE, 137).exit('side', 137).state).toMatchObject({
      known: 'STOPPED',
      stoppedReason: '',
    });
    const asked = running().exit('app', 0).exit('side', 143).exit(PAUSE, 0);
    expect(asked.state).toMatchObject({ known: 'STOPPED', stoppedReason: '' });
  });

  it('does not begin when the container cannot be made, and says why (ENG-61)', () => {
    const reason = { code: 'CannotCreateContainerError', message: 'no space left' };
    const story = new TaskStory(shared())
      .tell({ kind: 'resourcesReady' })
      .tell({ kind: 'stepFailed', step: 'createContainer', container: PAUSE, reason });
    expect(story.state.stoppedReason).toBe(
      'ResourceInitializationError: the namespaces that the containers of the task share could not be made: CannotCreateContainerError: no space left',
    );
    expect(story.container('app')).toMatchObject({ known: 'STOPPED', desired: 'STOPPED' });
    expect(story.container('app').reason).toBeUndefined();
    expect(story.steps()).toEqual([`stopContainer ${PAUSE}`]);
    story.tell({ kind: 'containerStopped', container: PAUSE });
    expect(story.told()).toEqual(['STOPPED app=STOPPED,side=STOPPED']);
  });

  it('counts it among its containers: it runs when that runs too (ENG-07)', () => {
    const story = new TaskStory(shared()).tell({ kind: 'resourcesReady' }).resolve('app', 'side');
    for (const container of ['app', 'side'])
      story.tell(
        { kind: 'imagePulled', container, imageName: 'busybox', imageId: DIGEST },
        { kind: 'containerCreated', container },
        { kind: 'containerStarted', container, pid: 42, startedAt: story.now },
      );
    expect(story.state.known).not.toBe('RUNNING');
    expect(paused(story).state.known).toBe('RUNNING');
  });
});

describe('a task whose network namespace a container holds', () => {
  const held = (over: Partial<TaskSpec> = {}) => withNetworkPause(shared({ networkMode: 'awsvpc', ...over }));
  const started = (container: string) => [
    { kind: 'containerCreated', container } as const,
    { kind: 'containerStarted', container, pid: 7, startedAt: 0 } as const,
  ];
  const runningOn = () =>
    new TaskStory(held()).tell({ kind: 'resourcesReady' }, ...started(NETWORK_PAUSE)).run('app', 'side');

  it('has one more container, which those of the definition wait for and outlive not (NET-61)', () => {
    expect(held().containers.map(({ name }) => name)).toEqual(['app', 'side', '~internal~ecs~pause']);
    const on = { containerName: NETWORK_PAUSE, condition: 'START' };
    expect(held().containers.map(({ dependsOn }) => dependsOn)).toEqual([[on], [on], []]);
    const story = runningOn().tell({ kind: 'stopRequested' });
    expect(story.steps()).toEqual(['stopContainer app', 'stopContainer side']);
    story.exit('app', 143).exit('side', 143);
    expect(story.steps()).toContain(`stopContainer ${NETWORK_PAUSE}`);
    expect(story.steps()).not.toContain('releaseTaskNetwork');
    expect(story.exit(NETWORK_PAUSE, 0).steps()).toContain('releaseTaskNetwork');
    expect(story.state.stoppedReason).toBe('');
    expect(story.told().at(-1)).toBe('STOPPED app=STOPPED,side=STOPPED');
  });

  it.each(['bridge', 'host', 'none'] as const)('is none of the mode %s', (networkMode) => {
    expect(held({ networkMode }).containers.map(({ name }) => name)).toEqual(['app', 'side']);
  });

  it('may have another one for other namespaces, and waits for both', () => {
    const story = new TaskStory(held({ pidMode: 'task' }), { rules: { pullUpfront: true } });
    expect(story.state.containers.map(({ name }) => name)).toEqual([
      ...['app', 'side', '~internal~ecs~pause~namespace', '~internal~ecs~pause'],
    ]);
    story
      .tell({ kind: 'resourcesReady' })
      .resolve('app', 'side')
      .tell(...started(NAMESPACE_PAUSE));
    expect(story.steps()).not.toContain('pullImage app');
    story.tell(...started(NETWORK_PAUSE));
    expect(story.steps()).toEqual(['pullImage app', 'pullImage side']);
  });

  it('ends with it, and says why', () => {
    const story = runningOn().exit(NETWORK_PAUSE, 137);
    expect(story.state).toMatchObject({
      desired: 'STOPPED',
      stoppedReason: `TaskStateError: the network namespace that the containers of the task share is held no longer: ${NETWORK_PAUSE} has ended (exit code 137)`,
    });
    expect(story.steps()).toEqual(expect.arrayContaining(['stopContainer app', 'stopContainer side']));
  });

  it('does not begin when it cannot be made, and says why', () => {
    const reason = { code: 'CannotCreateContainerError', message: 'no space left' };
    const story = new TaskStory(held())
      .tell({ kind: 'resourcesReady' })
      .tell({ kind: 'stepFailed', step: 'createContainer', container: NETWORK_PAUSE, reason });
    expect(story.state.stoppedReason).toBe(
      'ResourceInitializationError: the network namespace that the containers of the task share could not be made: CannotCreateContainerError: no space left',
    );
  });
});
