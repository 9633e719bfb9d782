import { describe, expect, it } from 'vitest';
import { plan } from '../../../src/task/plan.ts';
import { withoutFetched } from '../../../src/task/secrets.ts';
import { explain } from '../../../src/task/why.ts';
import { containerSpec, DIGEST, RULES, TaskStory, taskSpec } from './task-story.ts';

const secrets = [
  { name: 'A', valueFrom: '/a', region: 'us-west-2', store: 'ssm', use: 'environment' },
] as const;

/** A task of one container with a secret and one without, both pulled. */
function pulled(): TaskStory {
  const story = new TaskStory(taskSpec([containerSpec('needy', { secrets }), containerSpec('other')]));
  return story.tell({ kind: 'resourcesReady' }).resolve('needy', 'other').tell(pull('needy'), pull('other'));
}

const pull = (container: string) =>
  ({ kind: 'imagePulled', container, imageName: 'busybox', imageId: DIGEST }) as const;
const planOf = ({ state, now }: TaskStory) => plan(state, now, RULES);
const stepsOf = (story: TaskStory) =>
  planOf(story).steps.map((step) => ('container' in step ? `${step.kind} ${step.container}` : step.kind));

describe('secrets of a container', () => {
  it('are fetched from the start, beside the pull of its image', () => {
    const story = new TaskStory(taskSpec([containerSpec('needy', { secrets })]));
    expect(stepsOf(story)).toEqual(['ensureResources', 'fetchSecrets', 'resolveImage needy']);
  });

  it('hold up its creation and nobody else’s', () => {
    const story = pulled();
    expect(stepsOf(story)).toEqual(['fetchSecrets', 'createContainer other']);
    expect(planOf(story).waits).toMatchObject([{ kind: 'secrets', container: 'needy' }]);
    story.tell({ kind: 'secretsFetched' });
    expect(stepsOf(story)).toEqual(['createContainer needy', 'createContainer other']);
  });

  it('stop the task with a reason without a name before it when they cannot be had (RES-01)', () => {
    const story = pulled().tell({
      kind: 'stepFailed',
      step: 'fetchSecrets',
      reason: { code: 'TaskResourceError', message: 'fetching secrets  failed' },
    });
    expect(story.state).toMatchObject({ desired: 'STOPPED', stoppedReason: 'Fetching secrets failed' });
    expect(stepsOf(story)).not.toContain('fetchSecrets');
  });

  it('are fetched again for another process, unless the container is there already (ENG-124)', () => {
    const story = pulled().tell({ kind: 'secretsFetched' });
    story.state = withoutFetched(story.state);
    expect(stepsOf(story)).toEqual(['fetchSecrets', 'createContainer other']);
    story.tell({ kind: 'secretsFetched' }, { kind: 'containerCreated', container: 'needy' });
    story.state = withoutFetched(story.state);
    expect(stepsOf(story)).toEqual(['startContainer needy', 'createContainer other']);
  });

  it('are explained by where they are, never by what they are', () => {
    const story = pulled();
    const activity = { underWay: [], stuck: [], pulls: new Map() };
    const said = explain(story.state, planOf(story), activity, story.now).map(({ what }) => what);
    expect(said[0]).toBe('waits for its secrets and environment files, which are being fetched (/a)');
  });
});
