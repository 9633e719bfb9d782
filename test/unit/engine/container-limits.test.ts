import { describe, expect, it } from 'vitest';
import { containerLimits, taskLimits } from '../../../src/engine/container-limits.ts';
import { withInternalContainers } from '../../../src/task/internal-containers.ts';
import { containerSpec, taskSpec } from '../task/task-story.ts';

const MIB = 1024 * 1024;

describe('limits of a container', () => {
  it.each([
    [1, 4],
    [3, 4],
    [4, 4],
    [5, 5],
  ])('raise a memory of %d MiB to %d (RES-78)', (memoryMiB, least) => {
    expect(containerLimits(containerSpec('a', { memoryMiB })).memoryBytes).toBe(least * MIB);
  });

  it('have no memory when none is asked for', () => {
    expect(containerLimits(containerSpec('a', { memoryMiB: 0 }))).not.toHaveProperty('memoryBytes');
  });

  it('have the memory that they inherit when none is asked for, and only then', () => {
    const limits = (memoryMiB: number) => containerLimits(containerSpec('a', { memoryMiB }), 64);
    expect(limits(0).memoryBytes).toBe(64 * MIB);
    expect(limits(8).memoryBytes).toBe(8 * MIB);
  });

  it.each([
    [0, 2],
    [1, 2],
    [2, 2],
    [1024, 1024],
    [300_000, 262_144],
  ])('turn %d CPU units into %d shares, at least 2 (RES-79, OBS-74)', (cpu, shares) => {
    expect(containerLimits(containerSpec('a', { cpu })).cpuShares).toBe(shares);
  });

  it('give CPU units as shares alone, never as a quota (OBS-75)', () => {
    const limits = containerLimits(containerSpec('a', { cpu: 512, memoryMiB: 0 }));
    expect(limits).toEqual({ cpuShares: 512 });
  });

  it('add up to the shares of their task, which has no quota of its own (RES-06)', () => {
    const spec = taskSpec([containerSpec('a', { cpu: 0 }), containerSpec('b', { cpu: 100 })]);
    expect(taskLimits(spec)).toEqual({ cpuShares: 102 });
    expect(taskLimits(withInternalContainers({ ...spec, pidMode: 'task' }))).toEqual({ cpuShares: 102 });
  });
});
