import { describe, expect, it } from 'vitest';
import type { PortBinding } from '../../../src/task/port-mapping.ts';
import { containerSpec, TaskStory, taskSpec } from './task-story.ts';

const CHOSEN: readonly PortBinding[] = [
  { bindIp: '0.0.0.0', protocol: 'tcp', containerPort: 80, hostPort: 32_768 },
];
const OTHERS: readonly PortBinding[] = [
  { bindIp: '0.0.0.0', protocol: 'tcp', containerPort: 80, hostPort: 40_000 },
];
const ready = (bindings: readonly PortBinding[]) =>
  ({ kind: 'networkReady', container: 'main', bindings }) as const;
const begun = () => new TaskStory(taskSpec([containerSpec('main')], { networkMode: 'bridge' }));

describe('published ports of a container', () => {
  it('are told with RUNNING and again with STOPPED (OBS-92)', () => {
    const story = begun().tell(ready(CHOSEN)).run('main').exit('main', 0);
    const told = story.reports
      .flatMap((report) => report.containers)
      .filter(({ status }) => status !== 'PENDING');
    expect(told.map(({ status, portBindings }) => [status, portBindings])).toEqual([
      ['RUNNING', CHOSEN],
      ['STOPPED', CHOSEN],
    ]);
  });

  it('are chosen once', () => {
    const story = begun().tell(ready(CHOSEN));
    const before = story.state;
    expect(story.tell(ready(OTHERS)).state).toBe(before);
  });

  it('are nothing where none are published (OBS-93)', () => {
    const story = begun().tell(ready([])).run('main').exit('main', 0);
    for (const container of story.reports.flatMap((report) => report.containers))
      expect(container).not.toHaveProperty('portBindings');
  });
});
