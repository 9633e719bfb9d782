import { StoreError, type StoreErrorCode } from './store.ts';

/** Primary result codes of SQLite that are told apart. */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;
const PRIMARY_CODE_MASK = 0xff;

/** The primary result code when the error came from SQLite. */
function resultCodeOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & PRIMARY_CODE_MASK;
}

/** What SQLite's own check of a database found. */
export class DamageError extends Error {
  override readonly name = 'DamageError';
}

/** Whether the file is no database, or one that is damaged beyond what its journal heals. */
export function isDamage(error: unknown): boolean {
  const code = resultCodeOf(error);
  return error instanceof DamageError || code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

export function isBusy(error: unknown): boolean {
  return resultCodeOf(error) === SQLITE_BUSY;
}

/** The error of a failed call, with what to do about it; `doing` completes "cannot …". */
export function storeError(doing: string, error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const code: StoreErrorCode = resultCodeOf(error) === SQLITE_FULL ? 'full' : 'io';
  const advice =
    code === 'full'
      ? 'free some space on its file system'
      : 'check the disk and the permissions of the directory';
  return new StoreError(code, `cannot ${doing}: ${text}; ${advice}`, error);
}
