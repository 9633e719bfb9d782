import { describe, expect, it } from 'vitest';
import { checkLimits } from '../../../../../src/runtime/containerd/oci/limits.ts';

const MIB = 1024 * 1024;

describe('limits that cannot be', () => {
  it.each([
    [{ memoryBytes: 4 * MIB }, 'memory=4 MiB is below the least, 6 MiB'],
    [{ memoryReservationBytes: 1000 }, 'memoryReservation=0 MiB is below the least, 6 MiB'],
    [
      { memoryBytes: 8 * MIB, memoryReservationBytes: 9 * MIB },
      'memoryReservation=9 MiB is above memory=8 MiB',
    ],
    [{ memorySwapBytes: 9 * MIB }, 'maxSwap makes 9 MiB, but no memory is given'],
    [
      { memoryBytes: 8 * MIB, memorySwapBytes: 7 * MIB },
      'maxSwap makes 7 MiB with the memory, less than memory=8 MiB',
    ],
    [{ memorySwappiness: 101 }, 'swappiness=101 is not in 0 to 100'],
  ])('%o are refused by field and value', (limits, message) => {
    expect(() => checkLimits({ cpuShares: 2, ...limits })).toThrow(message);
  });

  it.each([
    {},
    { memoryBytes: 6 * MIB },
    { memoryBytes: 8 * MIB, memorySwapBytes: -1 },
    { memoryBytes: 8 * MIB, memorySwapBytes: 8 * MIB, memoryReservationBytes: 0, memorySwappiness: 0 },
    { memorySwapBytes: -1 },
  ])('are not %o', (limits) => {
    expect(() => checkLimits({ cpuShares: 2, ...limits })).not.toThrow();
  });
});
