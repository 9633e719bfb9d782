import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';

const GZIP = '.gz';

/** The files of a log from the oldest to the newest: `<path>.2.gz`, `<path>.1`, `<path>`. */
export function logFilesOldestFirst(path: string): string[] {
  const name = basename(path);
  const indexes = new Set<number>();
  for (const entry of readdirSync(dirname(path))) {
    const index = entry.startsWith(`${name}.`) ? /^(\d+)(?:\.gz)?$/.exec(entry.slice(name.length + 1)) : null;
    if (index !== null) indexes.add(Number(index[1]));
  }
  // While a file is being compressed, or just was, it is there twice: the plain one is whole.
  const rotated = [...indexes]
    .sort((a, b) => b - a)
    .flatMap((index) => variants(path, index).find((file) => existsSync(file)) ?? []);
  return existsSync(path) ? [...rotated, path] : rotated;
}

/**
 * Moves the current file out of the way: to `.1`, the others up, at most `maxFiles` in all with the one to
 * come. A gap in the numbers takes up the move: a shift that died half-way is finished by the next one, not
 * done twice.
 */
export function shiftLogFiles(path: string, maxFiles: number): void {
  if (maxFiles === 1) {
    rmSync(path, { force: true });
    return;
  }
  let free = 1;
  while (free < maxFiles && variants(path, free).some((file) => existsSync(file))) free++;
  if (free === maxFiles) {
    free = maxFiles - 1;
    for (const file of variants(path, free)) rmSync(file, { force: true });
  }
  for (let index = free; index > 1; index--) {
    for (const file of variants(path, index - 1)) {
      if (existsSync(file)) renameSync(file, `${path}.${index}${file.endsWith(GZIP) ? GZIP : ''}`);
    }
  }
  if (existsSync(path)) renameSync(path, `${path}.1`);
}

function variants(path: string, index: number): [plain: string, compressed: string] {
  return [`${path}.${index}`, `${path}.${index}${GZIP}`];
}
