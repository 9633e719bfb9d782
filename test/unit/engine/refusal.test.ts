import { describe, expect, it } from 'vitest';
import { refusalOf } from '../../../src/engine/refusal.ts';
import type { Network } from '../../../src/network/network.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';

const network = (refusal?: string): Network => ({
  refusal: () => refusal,
  releaseTaskNetwork: () => Promise.reject(new Error('not asked for')),
  prepareContainerNetwork: () => Promise.reject(new Error('not asked for')),
  completeContainerNetwork: () => Promise.reject(new Error('not asked for')),
  releaseContainerNetwork: async () => {},
  removeTaskNetwork: async () => {},
  removeLeftovers: async () => {},
  close: async () => {},
});

const volumes = { refusal: () => undefined };

describe('what the engine refuses', () => {
  it.each([
    ['no containers', taskSpec([]), /no containers/],
    [
      'a field that is not supported',
      taskSpec([containerSpec('a')], { unsupported: ['volumes=data'] }),
      /volumes=data/,
    ],
    ['two containers of one name', taskSpec([containerSpec('a'), containerSpec('a')]), /"a"/],
    [
      'a container above its task',
      taskSpec([containerSpec('a', { memoryMiB: 256 })], { memoryMiB: 128 }),
      /256 MiB.*128 MiB/,
    ],
  ])('names %s after the ARN of the task and a colon (ENG-35, RES-08)', (_, spec, cause) => {
    const refusal = refusalOf(spec, { network: network(), volumes }) ?? '';
    expect(refusal).toContain(`${spec.arn}: `);
    expect(refusal.split(`${spec.arn}: `)[1]).toMatch(cause);
  });

  it.each([
    [100, true, undefined],
    [101, true, /container "a" publishes 101 ports and ranges.*at most 100/],
    [101, false, undefined],
  ])('of %i published ports, with a range: %s (ENG-94)', (count, ranged, told) => {
    const portMappings = Array.from({ length: count }, (_, i) => ({
      protocol: 'tcp' as const,
      containerPort: 1000 + 2 * i,
      hostPort: 0,
      ...(ranged && i === 0 && { rangeLength: 2 }),
    }));
    const spec = taskSpec([containerSpec('a', { portMappings })]);
    const refusal = refusalOf(spec, { network: network(), volumes });
    if (told === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatch(told);
  });

  it.each([
    [['a', 'b'], /GPU GPU-1 is associated with the containers a, b; a GPU belongs to exactly one/],
    [[], /GPU GPU-1 is associated with no container/],
    [['c'], /GPU GPU-1 is associated with container "c", which is not in the task/],
    [['b'], undefined],
  ])('of a GPU for the containers %j (RES-77)', (containers, told) => {
    const gpus = [{ id: 'GPU-1', containers, content: '' }];
    const refusal = refusalOf(taskSpec([containerSpec('a'), containerSpec('b')], { gpus }), {
      network: network(),
      volumes,
    });
    if (told === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatch(told);
  });

  it('is a GPU that two associations give to two containers (RES-77)', () => {
    const gpus = ['a', 'b'].map((name) => ({ id: 'GPU-1', containers: [name], content: '' }));
    const spec = taskSpec([containerSpec('a'), containerSpec('b')], { gpus });
    expect(refusalOf(spec, { network: network(), volumes })).toContain('with the containers a, b');
  });

  it('passes on what the network says', () => {
    const spec = taskSpec([containerSpec('a')]);
    expect(refusalOf(spec, { network: network('no bridges here'), volumes })).toContain('no bridges here');
    expect(refusalOf(spec, { network: network(), volumes })).toBeUndefined();
  });

  it('passes on what the volumes say', () => {
    const spec = taskSpec([containerSpec('a')]);
    const missing = { refusal: () => 'no such volume' };
    expect(refusalOf(spec, { network: network(), volumes: missing })).toContain('no such volume');
  });
});
