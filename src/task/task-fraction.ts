import type { TaskState } from './task-state.ts';

/**
 * A number in [0, 1) that belongs to the task: jitter that is the same after a restart and different between
 * tasks, without a random number in the pure core.
 */
export function taskFraction(state: TaskState): number {
  const digits = state.spec.arn.slice(-8).replace(/[^0-9a-f]/gi, '0');
  return Number.parseInt(digits, 16) / 0x1_0000_0000;
}
