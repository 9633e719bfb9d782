import { describe, expect, it } from 'vitest';
import { signalNumber } from '../../../../src/runtime/containerd/signals.ts';

describe('stop signals', () => {
  it.each([
    ['SIGTERM', 15],
    ['TERM', 15],
    ['sigusr1', 10],
    ['9', 9],
    ['SIGRTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['rtmax-1', 63],
    ['64', 64],
  ])('%s is number %i (CTD-21)', (text, number) => {
    expect(signalNumber(text)).toBe(number);
  });

  it.each(['', '0', '65', 'SIGNOTHING', 'SIGRTMIN+40', 'toString', '-9', '1.5'])(
    '%s is no signal',
    (text) => {
      expect(signalNumber(text)).toBeUndefined();
    },
  );
});
