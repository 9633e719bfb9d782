import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { layersOf, readRootfsFile } from '../../../src/runtime/containerd/rootfs-files.ts';
import { run } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

describe('files of a root filesystem in layers', () => {
  let scratch: Scratch;
  let layers: string[];
  beforeEach(() => {
    scratch = makeScratch();
    layers = ['upper', 'middle', 'lower'].map((name) => scratch.path(name));
    for (const layer of layers) mkdirSync(layer);
  });
  afterEach(async () => {
    await scratch.remove();
  });

  const at = (layer: number, path: string): string => {
    const full = join(layers[layer] ?? '', path);
    mkdirSync(dirname(full), { recursive: true });
    return full;
  };
  const put = (layer: number, path: string, text: string) => writeFileSync(at(layer, path), text);
  const link = (layer: number, path: string, target: string) => symlinkSync(target, at(layer, path));
  const read = (path = '/etc/passwd') => readRootfsFile(layers, path);

  it('are taken from the topmost layer that has them (CTD-61)', async () => {
    put(2, 'etc/passwd', 'lower');
    expect(await read()).toBe('lower');
    put(1, 'etc/passwd', 'middle');
    expect(await read()).toBe('middle');
    put(0, 'etc/other', 'x');
    expect(await read()).toBe('middle');
  });

  it('are not there when a layer above has removed them or their folder', async () => {
    put(2, 'etc/passwd', 'lower');
    execFileSync('mknod', [at(1, 'etc/passwd'), 'c', '0', '0']);
    expect(await read()).toBeUndefined();
    rmSync(at(1, 'etc/passwd'));
    expect(await read()).toBe('lower');
    rmSync(at(1, 'etc'), { recursive: true });
    execFileSync('mknod', [at(1, 'etc'), 'c', '0', '0']);
    expect(await read()).toBeUndefined();
  });

  it('are not there when a layer above has replaced their folder', async () => {
    put(2, 'etc/passwd', 'lower');
    // What the kernel itself writes for a folder that was removed and made again.
    const merged = scratch.path('merged');
    const work = scratch.path('work');
    mkdirSync(merged);
    mkdirSync(work);
    const options = `lowerdir=${layers[2]},upperdir=${layers[1]},workdir=${work}`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, merged]);
    rmSync(join(merged, 'etc'), { recursive: true });
    mkdirSync(join(merged, 'etc'));
    await run('umount', [merged]);
    expect(await read()).toBeUndefined();
  });

  it('are found through links, which never lead out of the root', async () => {
    put(2, 'usr/etc/passwd', 'through links');
    link(1, 'etc', 'usr/etc');
    expect(await read()).toBe('through links');
    link(0, 'usr/etc/group', '../../../../../../usr/etc/passwd');
    expect(await read('/etc/group')).toBe('through links');
    link(0, 'outside', '/etc/hostname');
    expect(await read('/outside')).toBeUndefined();
    link(0, 'loop', 'loop');
    expect(await read('/loop')).toBeUndefined();
  });

  it('are files: no folder, no pipe, nothing huge', async () => {
    mkdirSync(at(0, 'etc/passwd'));
    expect(await read()).toBeUndefined();
    execFileSync('mkfifo', [at(0, 'etc/pipe')]);
    expect(await read('/etc/pipe')).toBeUndefined();
    put(0, 'etc/huge', 'x'.repeat(5 * 1024 * 1024));
    expect(await read('/etc/huge')).toBeUndefined();
  });

  it('lie in the folders that a snapshot is mounted from', () => {
    const overlay = ['index=off', 'workdir=/w', 'upperdir=/u', 'lowerdir=/b:/a'];
    const mount = { type: 'overlay', source: 'overlay', target: '', options: overlay };
    expect(layersOf([mount])).toEqual(['/u', '/b', '/a']);
    expect(layersOf([{ ...mount, type: 'bind', source: '/s', options: ['rw', 'rbind'] }])).toEqual(['/s']);
    expect(layersOf([{ ...mount, type: 'ext4', source: '/dev/dm-1', options: [] }])).toBeUndefined();
    expect(layersOf([])).toBeUndefined();
  });
});
