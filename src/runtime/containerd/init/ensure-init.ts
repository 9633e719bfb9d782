import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { initProgram } from './init-program.ts';

const MACHINE = process.arch === 'arm64' ? 'arm64' : 'x64';

/** Puts the init program where containers can mount it, unless it is there; gives its path. */
export async function ensureInit(runDir: string): Promise<string> {
  const file = join(runDir, 'docker-init');
  const program = initProgram(MACHINE);
  if (!(await isThere(file, program))) {
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    // Whole or not at all: a container may be about to start it.
    const part = `${file}.${process.pid}`;
    await writeFile(part, program);
    await chmod(part, 0o755);
    await rename(part, file);
  }
  return file;
}

async function isThere(file: string, program: Buffer): Promise<boolean> {
  try {
    return (await readFile(file)).equals(program);
  } catch {
    return false;
  }
}
