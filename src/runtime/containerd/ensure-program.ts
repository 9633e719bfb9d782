import { randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { THIS_MACHINE } from '../program/elf-file.ts';
import { initProgram } from '../program/init-program.ts';
import { pauseProgram } from '../program/pause-program.ts';

const PROGRAMS = { 'docker-init': initProgram, pause: pauseProgram } as const;

/** Puts a program of ours where containers can mount it, unless it is there; gives its path. */
export async function ensureProgram(runDir: string, name: keyof typeof PROGRAMS): Promise<string> {
  const file = join(runDir, name);
  const program = PROGRAMS[name](THIS_MACHINE);
  if (!(await isThere(file, program))) {
    await mkdir(runDir, { recursive: true, mode: 0o700 });
    // Whole or not at all: a container may be about to start it, and another to bring it too.
    const part = `${file}.${randomUUID()}`;
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
