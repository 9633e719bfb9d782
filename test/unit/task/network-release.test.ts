import { describe, expect, it } from 'vitest';
import type { NetworkMode } from '../../../src/task/task-spec.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

const twoContainers = (networkMode: NetworkMode) =>
  new TaskStory(
    taskSpec([containerSpec('app'), containerSpec('side', { essential: false })], { networkMode }),
  ).run('app', 'side');

const released = (story: TaskStory) => story.steps().filter((step) => step.startsWith('release'));

describe('the network', () => {
  it('of a container is taken down when its process is gone, not when it is told to stop (NET-48)', () => {
    const story = twoContainers('bridge').tell({ kind: 'stopRequested' });
    expect(story.steps()).toEqual(['stopContainer app', 'stopContainer side']);
    expect(released(story.exit('side', 0))).toEqual(['releaseContainer side']);
    expect(released(story.exit('app', 0))).toEqual(['releaseContainer app', 'releaseContainer side']);
  });

  it('of a task stays until the last of its containers has stopped (NET-61)', () => {
    const story = twoContainers('awsvpc').tell({ kind: 'stopRequested' });
    expect(released(story.exit('app', 0))).not.toContain('releaseTaskNetwork');
    expect(released(story.exit('side', 0))).toContain('releaseTaskNetwork');
  });
});
