import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { ContainerdError } from '../../../../src/runtime/containerd/containerd-error.ts';
import { clearLeftSnapshot, leftSnapshot } from '../../../../src/runtime/containerd/left-snapshot.ts';
import { makeScratch } from '../../../support/scratch.ts';

const FOLDERS = '/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots';
const refused = (details: string) =>
  new ContainerdError('UNKNOWN', '/containerd.services.snapshots.v1.Snapshots/Prepare', details);
/** Longer than what the kernel's clock of inodes ticks in. */
const TICK_MS = 20;

describe('a folder in the way of a snapshot', () => {
  it.each([
    [`failed to rename: rename ${FOLDERS}/new-22 ${FOLDERS}/10: file exists`, `${FOLDERS}/10`],
    [`failed to rename: rename ${FOLDERS}/new-22 ${FOLDERS}/10: no space left on device`, undefined],
    [`failed to rename: rename /a/new-22 /etc/10: file exists`, undefined],
  ])('is told by containerd: %s', (details, folder) => {
    expect(leftSnapshot(refused(details))).toBe(folder);
  });

  it('is removed if it is older than the containerd that listens', async () => {
    await using scratch = makeScratch();
    const folder = scratch.path('snapshots/10');
    mkdirSync(`${folder}/fs`, { recursive: true });
    await delay(TICK_MS);
    writeFileSync(scratch.path('socket'), '');
    await clearLeftSnapshot(folder, scratch.path('socket'));
    expect(readdirSync(scratch.path('snapshots'))).toEqual([]);
    await clearLeftSnapshot(folder, scratch.path('socket'));
  });

  it('is left alone if that containerd may have made it', async () => {
    await using scratch = makeScratch();
    writeFileSync(scratch.path('socket'), '');
    await delay(TICK_MS);
    const folder = scratch.path('snapshots/10');
    mkdirSync(`${folder}/fs`, { recursive: true });
    await clearLeftSnapshot(folder, scratch.path('socket'));
    await clearLeftSnapshot(folder, scratch.path('no-socket'));
    expect(existsSync(`${folder}/fs`)).toBe(true);
  });
});
