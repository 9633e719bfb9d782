import { enableCompileCache, flushCompileCache } from 'node:module';
import { delimiter } from 'node:path';
import { ownFile, RUNS_FROM_SOURCE } from './program-files.ts';

/** After a start: what it has compiled is known, and nobody waits for anything. */
const KEEP_AFTER_MS = 5_000;

/** Folder for what Node compiles of our code, beside that. */
export const CACHE_BESIDE_CODE = ownFile(RUNS_FROM_SOURCE ? 'node_modules/.cache/agent' : 'cache');

/**
 * Has what Node compiles of our code kept for the next start, which then takes half the time; to be called before that
 * code is loaded. Kept where systemd says, else beside the code; where nothing can be written nothing is kept.
 */
export function useCompileCache(env: Readonly<Record<string, string | undefined>>): void {
  const [given = ''] = (env.CACHE_DIRECTORY ?? '').split(delimiter);
  enableCompileCache(given === '' ? CACHE_BESIDE_CODE : given);
}

/** Writes it down soon: at its end only, Node would do that by itself, and an agent that is killed has none. */
export function keepCompiled(): void {
  setTimeout(flushCompileCache, KEEP_AFTER_MS).unref();
}
