import { chmodSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunCommand } from '../../../src/host/run-command.ts';
import { CniRunner } from '../../../src/network/cni/cni-runner.ts';
import { makeScratch } from '../../support/scratch.ts';

const CONFIG = { cniVersion: '1.1.0', name: 'net', plugins: [{ type: 'slow' }] };
const ATTACHMENT = { containerId: 'c1', netns: '/run/netns/none', ifName: 'eth0' };
const VERSIONS = '{"cniVersion":"1.1.0","supportedVersions":["1.1.0"]}';

/** Commands that the plugin was given; it answers nothing but its versions. */
const commands: string[] = [];
const neverAnswers: RunCommand = async (_program, _args, { env, signal }) => {
  const command = env?.CNI_COMMAND ?? '';
  if (command === 'VERSION') return { exitCode: 0, stdout: VERSIONS, stderr: '' };
  commands.push(command);
  return await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)));
};
const begun = async (command: string) => {
  while (!commands.includes(command)) await setImmediate();
};

describe('a CNI plugin that never answers', () => {
  let scratch: ReturnType<typeof makeScratch>;
  let runner: CniRunner;
  beforeEach(() => {
    scratch = makeScratch();
    commands.length = 0;
    writeFileSync(scratch.path('slow'), '');
    chmodSync(scratch.path('slow'), 0o755);
    runner = new CniRunner({
      pluginDirectories: [scratch.directory],
      cacheDirectory: scratch.path('results'),
      run: neverAnswers,
    });
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(async () => {
    vi.useRealTimers();
    await scratch[Symbol.asyncDispose]();
  });

  it('has a minute for the set-up, and half a one for the clean-up that follows (ENG-134, ENG-151)', async () => {
    let told = '';
    const { signal } = new AbortController();
    const adding = runner.ensureAttached(CONFIG, ATTACHMENT, { signal }).catch((error: unknown) => {
      told = String(error);
    });
    await begun('ADD');
    vi.advanceTimersByTime(59_900);
    await setImmediate();
    expect(commands).toEqual(['ADD']);
    vi.advanceTimersByTime(200);
    await begun('DEL');
    vi.advanceTimersByTime(29_900);
    await setImmediate();
    expect(told).toBe('');
    vi.advanceTimersByTime(200);
    await adding;
    expect(told).toContain('CNI ADD of network net did not finish within 60 s');
  });
});
