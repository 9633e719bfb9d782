import { readFile } from 'node:fs/promises';

/** The text of a file, or undefined when it cannot be opened for whatever reason (config.md §1). */
export async function readFileIfAny(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return undefined;
  }
}
