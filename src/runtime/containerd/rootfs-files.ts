import type { Stats } from 'node:fs';
import { lstat, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Mount__Output } from './generated/containerd/types/Mount.ts';

const MAX_SYMLINKS = 40;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/**
 * Folders that lie over each other in a snapshot, the topmost first; undefined for a snapshotter whose layers
 * are no folders (block devices).
 */
export function layersOf(mounts: readonly Mount__Output[]): readonly string[] | undefined {
  const [mount, ...others] = mounts;
  if (mount === undefined || others.length > 0) return undefined;
  if (mount.type === 'bind') return [mount.source];
  const value = (name: string) =>
    mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const lower = value('lowerdir');
  if (lower === undefined) return undefined;
  const upper = value('upperdir');
  return [...(upper === undefined ? [] : [upper]), ...lower.split(':')];
}

/** Something in a root filesystem, links followed. */
export interface RootfsEntry {
  readonly kind: 'file' | 'directory' | 'other';
  /** Inside the root, without a slash at its start. */
  readonly path: string;
  readonly hostPath: string;
  readonly size: number;
}

/**
 * Reads a small file of a root filesystem out of its layers, without mounting it. Undefined when it is not there
 * or no regular file.
 */
export async function readRootfsFile(layers: readonly string[], path: string): Promise<string | undefined> {
  const entry = await findRootfsEntry(layers, path);
  if (entry?.kind !== 'file' || entry.size > MAX_FILE_BYTES) return undefined;
  return await readFile(entry.hostPath, 'utf8');
}

/** Finds a path in a root filesystem's layers. Symbolic links are followed inside the root only. */
export async function findRootfsEntry(
  layers: readonly string[],
  path: string,
): Promise<RootfsEntry | undefined> {
  const pending = path.split('/');
  let current: string[] = [];
  let last: Entry | undefined;
  let links = 0;
  for (let part = pending.shift(); part !== undefined; part = pending.shift()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      current = current.slice(0, -1);
      last = undefined;
      continue;
    }
    const found = await findEntry(layers, [...current, part]);
    if (found === undefined) return undefined;
    if (found.kind === 'link') {
      links += 1;
      if (links > MAX_SYMLINKS) return undefined;
      const target = await readlink(found.hostPath);
      if (target.startsWith('/')) current = [];
      pending.unshift(...target.split('/'));
      last = undefined;
      continue;
    }
    current.push(part);
    last = found;
    if (found.kind === 'file' && pending.some((rest) => rest !== '' && rest !== '.')) return undefined;
  }
  const [root] = layers;
  last ??= await findEntry(layers, current);
  if (last === undefined || last.kind === 'link')
    return current.length === 0 && root !== undefined
      ? { kind: 'directory', path: '', hostPath: root, size: 0 }
      : undefined;
  return { kind: last.kind, path: current.join('/'), hostPath: last.hostPath, size: last.size };
}

interface Entry {
  readonly kind: 'file' | 'link' | 'directory' | 'other';
  readonly hostPath: string;
  readonly size: number;
}

/** The topmost entry of that name; whiteouts and opaque folders hide what lies below (overlayfs). */
async function findEntry(layers: readonly string[], parts: readonly string[]): Promise<Entry | undefined> {
  for (const layer of layers) {
    const seen = await lookInLayer(layer, parts);
    if (seen.kind === 'absent') continue;
    return seen.kind === 'hidden' ? undefined : seen.entry;
  }
  return undefined;
}

type Sight =
  | { readonly kind: 'absent' }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'found'; readonly entry: Entry };

async function lookInLayer(layer: string, parts: readonly string[]): Promise<Sight> {
  let hostPath = layer;
  const parents: string[] = [];
  for (const [index, part] of parts.entries()) {
    hostPath = join(hostPath, part);
    const stat = await lstat(hostPath).catch(ifMissing);
    if (stat === undefined) return { kind: (await someOpaque(parents)) ? 'hidden' : 'absent' };
    if (stat.isCharacterDevice() && stat.rdev === 0) return { kind: 'hidden' };
    if (index === parts.length - 1) {
      const kind = kindOf(stat);
      return { kind: 'found', entry: { kind, hostPath, size: stat.size } };
    }
    if (!stat.isDirectory()) return { kind: 'hidden' };
    parents.push(hostPath);
  }
  return { kind: 'absent' };
}

function kindOf(stat: Stats): Entry['kind'] {
  if (stat.isFile()) return 'file';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isDirectory() ? 'directory' : 'other';
}

/** Whether one of a layer's folders hides those of the same name below it. */
async function someOpaque(directories: readonly string[]): Promise<boolean> {
  if (directories.length === 0) return false;
  // Loads the C library's binding: not before a layer needs it.
  const { readXattr } = await import('../../host/xattr.ts');
  return directories.some((directory) => readXattr(directory, 'trusted.overlay.opaque') === 'y');
}

function ifMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
    return undefined;
  throw error;
}
