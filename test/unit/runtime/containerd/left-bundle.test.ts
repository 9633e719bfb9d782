import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  ContainerdError,
  type ContainerdErrorCode,
} from '../../../../src/runtime/containerd/containerd-error.ts';
import { clearLeftBundle, leftBundle } from '../../../../src/runtime/containerd/left-bundle.ts';
import { makeScratch } from '../../../support/scratch.ts';

const { signal } = new AbortController();
const refused = (details: string, code: ContainerdErrorCode = 'UNKNOWN') =>
  new ContainerdError(code, '/containerd.services.tasks.v1.Tasks/Create', details);
const PATH = '/run/containerd/io.containerd.runtime.v2.task/ecs/c1';

describe('the folder that an earlier task of a container has left', () => {
  it.each([
    ['is told by containerd', refused(`failed to start shim: mkdir ${PATH}: file exists`), PATH],
    ['is not meant by another refusal', refused('runc create failed: no such file'), undefined],
    ['is not meant with another code', refused(`mkdir ${PATH}: file exists`, 'NOT_FOUND'), undefined],
    ['of another container is not ours', refused(`mkdir ${PATH}2: file exists`), undefined],
    [
      'of another namespace is not ours',
      refused(`mkdir ${PATH.replace('/ecs/', '/moby/')}: file exists`),
      undefined,
    ],
  ])('%s', (_, error, path) => {
    expect(leftBundle(error, 'ecs', 'c1')).toBe(path);
  });

  it('is removed, but not while something runs in it', async () => {
    await using scratch = makeScratch();
    const folder = scratch.path('c1');
    mkdirSync(folder);
    writeFileSync(`${folder}/config.json`, '{}');
    const shim = spawn('sleep', ['60'], { cwd: folder });
    await once(shim, 'spawn');
    expect(await clearLeftBundle(folder, signal)).toBe(false);
    shim.kill();
    await once(shim, 'close');
    expect(await clearLeftBundle(folder, signal)).toBe(true);
    expect(existsSync(folder)).toBe(false);
  });
});
