import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { signalProcess } from '../../../src/host/signal-process.ts';

const SIGTERM = 15;

describe('a signal to a process', () => {
  it('reaches the process that is meant, and no other', async () => {
    const child = spawn('sleep', ['60']);
    const ended = once(child, 'exit');
    const { pid = 0 } = child;
    const open = readdirSync('/proc/self/fd').length;
    expect(signalProcess(pid, SIGTERM, () => false)).toBe(false);
    expect(child.exitCode).toBeNull();
    expect(signalProcess(pid, SIGTERM, () => true)).toBe(true);
    expect(await ended).toEqual([null, 'SIGTERM']);
    expect(signalProcess(pid, SIGTERM, () => true)).toBe(false);
    expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(open);
  });

  it('does not outlast the question whether it is the one', () => {
    const failing = () => {
      throw new Error('cannot tell');
    };
    expect(() => signalProcess(process.pid, SIGTERM, failing)).toThrow('cannot tell');
  });
});
