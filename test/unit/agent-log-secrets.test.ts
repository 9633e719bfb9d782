import { describe, expect, it } from 'vitest';
import { logSecrets } from '../../src/agent-log-secrets.ts';
import type { TaskSecrets } from '../../src/resource/task-secrets.ts';
import { containerIdOf } from '../../src/task/ids.ts';
import type { SecretReference } from '../../src/task/secrets.ts';
import type { TaskSpec } from '../../src/task/task-spec.ts';
import { arnOf, sampleContainerSpec, sampleContainerState, sampleTask } from './store/sample-task.ts';

const secret = (name: string, use: SecretReference['use']): SecretReference => ({
  name,
  valueFrom: `/${name}`,
  region: 'us-west-2',
  store: 'ssm',
  use,
});
const container = {
  ...sampleContainerSpec('app'),
  log: { driver: 'splunk', options: {} },
  environmentFiles: ['arn:aws:s3:::b/f'],
  secrets: [secret('TOKEN', 'environment'), secret('splunk-token', 'logDriver')],
};
const base = sampleTask('one');
const task = {
  ...base,
  spec: { ...base.spec, containers: [container] },
  containers: [{ ...sampleContainerState('app'), generation: 2 }],
};

describe('secrets that a log service has lost', () => {
  const asked: TaskSpec[] = [];
  const memory = (): TaskSecrets => ({
    fetch: async (spec) => void asked.push(spec),
    of: () => ({ files: {}, secrets: {}, logOptions: { 'splunk-token': 'value' } }),
    forget: () => {},
  });
  const source = logSecrets(memory, async () => [task]);

  it('are fetched alone, for any run of the container', async () => {
    for (const generation of [0, 2])
      expect(await source(task.spec.arn, containerIdOf(task.spec.arn, 'app', generation))).toEqual({
        'splunk-token': 'value',
      });
    const [fetched] = asked.at(-1)?.containers ?? [];
    expect(fetched?.secrets).toEqual([secret('splunk-token', 'logDriver')]);
    expect(fetched).not.toHaveProperty('environmentFiles');
  });

  it('are not there for what the agent does not know', async () => {
    const unknown = containerIdOf(task.spec.arn, 'app', 3);
    await expect(source(task.spec.arn, unknown)).rejects.toThrow(/does not know/);
    await expect(source(arnOf('other'), unknown)).rejects.toThrow(/does not know/);
  });
});
