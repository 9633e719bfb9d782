import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tryRun } from '../../support/run.ts';
import { makeScratch } from '../../support/scratch.ts';

const SETUP = join(import.meta.dirname, '../../../scripts/setup');

test('finds everything there on a host that runs the tests, within a second', async () => {
  const start = performance.now();
  const { exitCode, stderr } = await tryRun(SETUP, ['--check', '--for', 'test']);
  expect(stderr).toBe('setup: all that is needed to test is there\n');
  expect(exitCode).toBe(0);
  expect(performance.now() - start).toBeLessThan(1000);
});

test('names what is missing for a purpose, and installs nothing when it only checks', async () => {
  await using scratch = makeScratch();
  // A PATH with the shell's own tools and nothing of what setup looks for.
  const tools = scratch.path('bin');
  mkdirSync(tools);
  for (const tool of ['dirname', 'realpath', 'grep', 'id', 'apt-get'])
    symlinkSync(join('/usr/bin', tool), join(tools, tool));
  const env = { PATH: tools, XDG_CACHE_HOME: scratch.path('cache') };
  const { exitCode, stderr } = await tryRun('/bin/bash', [SETUP, '--check', '--for', 'test'], { env });
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/missing packages: .*\bcontainerd\b.*\bcrun\b/);
  for (const name of ['containerd-2.1', 'soci-0.4'])
    expect(stderr).toContain(`missing: ${scratch.path('cache')}/ecs-containerd-agent/${name}\n`);
  expect(stderr).not.toContain('qemu');
});

test.each([
  ['--for', 'fun'],
  ['--force', ''],
])('refuses %s %s', async (option, value) => {
  const { exitCode, stderr } = await tryRun(SETUP, [option, value]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^setup: /);
});

test('explains itself', async () => {
  const { stdout } = await tryRun(SETUP, ['--help']);
  expect(stdout).toMatch(/^setup: install what this project needs/);
  expect(stdout).not.toContain('set -e');
});
