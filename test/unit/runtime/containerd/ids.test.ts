import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerId, containerIdOf, taskArn } from '../../../../src/task/ids.ts';

describe('container ids', () => {
  it('are ids for containerd whatever the names are made of (CTD-62)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string(), fc.nat(), (arn, name, generation) => {
        const id = containerIdOf(taskArn(arn), name, generation);
        expect(containerId(id)).toBe(id);
        // Room for the names that are made from it, such as its lease.
        expect(`create-${id}`.length).toBeLessThanOrEqual(76);
      }),
    );
  });
});
