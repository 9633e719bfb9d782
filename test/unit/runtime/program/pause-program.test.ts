import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { THIS_MACHINE } from '../../../../src/runtime/program/elf-file.ts';
import { pauseProgram } from '../../../../src/runtime/program/pause-program.ts';
import { until } from '../../../support/until.ts';

describe('the pause program', () => {
  let folder = '';
  const started: ChildProcess[] = [];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'pause-program-'));
    writeFileSync(join(folder, 'pause'), pauseProgram(THIS_MACHINE), { mode: 0o755 });
  });
  afterAll(() => {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  /** Resolves once it waits for signals: rt_sigtimedwait is call 128 of x86-64 and 137 of arm64. */
  async function start(): Promise<ChildProcess & { readonly pid: number }> {
    const child = spawn(join(folder, 'pause'), [], { stdio: 'ignore' });
    started.push(child);
    const { pid } = child;
    if (pid === undefined) throw new Error('it was not started');
    await until(() => /^(128|137) /.test(readFileSync(`/proc/${pid}/syscall`, 'utf8')), {
      what: 'it waits for signals',
    });
    return Object.assign(child, { pid });
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('waits, and ends with code 0 at %s', async (signal) => {
    const child = await start();
    child.kill(signal);
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('takes no notice of other signals', async () => {
    const child = await start();
    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGCHLD', 'SIGPIPE'] as const) child.kill(signal);
    await until(() => /ShdPnd:\t0+$/m.test(readFileSync(`/proc/${child.pid}/status`, 'utf8')), {
      what: 'it has taken the signals',
    });
    expect(child.exitCode).toBeNull();
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([0, null]);
  });

  it('is a file for each machine, of less than half a kilobyte', () => {
    const [x64, arm64] = [pauseProgram('x64'), pauseProgram('arm64')];
    for (const file of [x64, arm64]) {
      expect(file.subarray(0, 4).toString('latin1')).toBe('\u007fELF');
      expect(file.length).toBeLessThan(512);
    }
    expect([x64.readUInt16LE(18), arm64.readUInt16LE(18)]).toEqual([62, 183]);
  });
});
