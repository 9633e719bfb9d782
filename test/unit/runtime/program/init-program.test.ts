import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Arm64Code } from '../../../../src/runtime/program/arm64-code.ts';
import { initProgram } from '../../../../src/runtime/program/init-program.ts';

describe('the init program', () => {
  let folder = '';
  let init = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'init-program-'));
    init = join(folder, 'docker-init');
    writeFileSync(init, initProgram(process.arch === 'arm64' ? 'arm64' : 'x64'), { mode: 0o755 });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const run = (command: readonly string[], env: Record<string, string> = { PATH: '/usr/bin:/bin' }) =>
    spawnSync(init, ['--', ...command], { env, encoding: 'utf8', cwd: folder });
  const shell = (text: string) => run(['sh', '-c', text]);

  it.each([0, 1, 7, 255])('ends with the exit code of its command: %d', (code) => {
    expect(shell(`exit ${code}`).status).toBe(code);
  });

  it.each([
    ['KILL', 137],
    ['TERM', 143],
    ['SEGV', 139],
  ])('ends with 128 and the signal that killed its command: SIG%s', (signal, code) => {
    expect(shell(`kill -${signal} $$`).status).toBe(code);
  });

  it('passes signals on to its command, and waits for what the command makes of them (RES-94)', () => {
    // Killed by nobody else: the shell's parent is the init.
    const text = 'trap "echo told; exit 9" USR1; kill -USR1 $PPID; while :; do sleep 0.01; done';
    expect(shell(text)).toMatchObject({ status: 9, stdout: 'told\n' });
  });

  it('starts its command with no signal blocked', () => {
    expect(shell('grep SigBlk /proc/self/status').stdout).toBe('SigBlk:\t0000000000000000\n');
  });

  it('hands arguments and environment on as they are', () => {
    expect(run(['printenv', 'A'], { PATH: '/bin:/usr/bin', A: 'b c' }).stdout).toBe('b c\n');
    expect(run(['printf', '[%s]', '', 'a b', '--']).stdout).toBe('[][a b][--]');
  });

  it.each([
    ['the folders of PATH in order', '/nonexistent:/bin:/usr/bin'],
    ['the working directory for an empty one', ':/bin'],
    ['the others when one is longer than any path', `${'/x'.repeat(6000)}:/bin:/usr/bin`],
  ])('looks in %s', (_, PATH) => {
    expect(run(['true'], { PATH }).status).toBe(0);
  });

  it('finds commands without a PATH, and by their own path', () => {
    expect(run(['true'], {}).status).toBe(0);
    expect(run(['/bin/true'], {}).status).toBe(0);
  });

  it('runs a program of the working directory by an empty folder in PATH', () => {
    writeFileSync(join(folder, 'here'), '#!/bin/sh\nexit 5\n', { mode: 0o755 });
    expect(run(['here'], { PATH: '/nonexistent:' }).status).toBe(5);
  });

  it.each([
    ['nosuch', 127],
    ['/nosuch', 127],
    ['/etc/passwd', 126],
  ])('says that %s cannot be run, and ends with %d', (command, status) => {
    expect(run([command])).toMatchObject({
      status,
      stderr: `docker-init: this command is not there or cannot be run: ${command}\n`,
    });
  });

  it('is a file for each machine, of less than two kilobytes', () => {
    const [x64, arm64] = [initProgram('x64'), initProgram('arm64')];
    for (const file of [x64, arm64]) {
      expect(file.subarray(0, 4).toString('latin1')).toBe('\u007fELF');
      expect(file.length).toBeLessThan(2048);
    }
    expect([x64.readUInt16LE(18), arm64.readUInt16LE(18)]).toEqual([62, 183]);
  });
});

describe('code for arm64', () => {
  /** Words as Arm's manual gives them for the instruction in the name. */
  it.each([
    ['mov x19, #0x1234', (code: Arm64Code) => code.set('a', 0x1234n), [0xd2824693]],
    ['movk x20, #1, lsl #16', (code: Arm64Code) => code.set('b', 0x1_0000n), [0xd2800014, 0xf2a00034]],
    ['mov x21, x19', (code: Arm64Code) => code.move('c', 'a'), [0xaa1303f5]],
    ['add x22, sp, #32', (code: Arm64Code) => code.address('d', 'stack', 32), [0x910083f6]],
    ['sub sp, sp, #4080', (code: Arm64Code) => code.reserve(4080), [0xd13fc3ff]],
    ['ldr x19, [sp, #16]', (code: Arm64Code) => code.load('a', 'stack', 16), [0xf9400bf3]],
    ['str x19, [sp, #16]', (code: Arm64Code) => code.store('a', 'stack', 16), [0xf9000bf3]],
    ['ldrb w20, [x19, #1]', (code: Arm64Code) => code.loadByte('b', 'a', 1), [0x39400674]],
    ['strb w20, [x19]', (code: Arm64Code) => code.storeByte('b', 'a', 0), [0x39000274]],
    ['sub x19, x19, x20', (code: Arm64Code) => code.subtract('a', 'b'), [0xcb140273]],
    ['mov x8, #172; svc #0', (code: Arm64Code) => code.call('getpid'), [0xd2801588, 0xd4000001]],
  ])('is what the manual says: %s', (_, write, words) => {
    const code = new Arm64Code();
    write(code);
    const bytes = code.finish();
    expect(Array.from({ length: bytes.length / 4 }, (_word, at) => bytes.readUInt32LE(at * 4))).toEqual(
      words,
    );
  });
});
