import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { logFilesOldestFirst, shiftLogFiles } from '../../../src/container-log/service/log-file/log-files.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';

let scratch: Scratch;
let log: string;
beforeEach(() => {
  scratch = makeScratch();
  log = scratch.path('x-json.log');
});
afterEach(async () => {
  await scratch.remove();
});

function put(...suffixes: readonly string[]): void {
  for (const suffix of suffixes) writeFileSync(`${log}${suffix}`, suffix);
}

/** Present name to original suffix, oldest first. */
function present(): string[] {
  return logFilesOldestFirst(log).map((path) => `${path.slice(log.length)}<${readFileSync(path, 'utf8')}`);
}

describe('shifting log files', () => {
  test('moves each up and makes room for the current one (LOG-116)', () => {
    put('', '.1', '.2');
    shiftLogFiles(log, 5);
    expect(present()).toEqual(['.3<.2', '.2<.1', '.1<']);
  });

  test('deletes the oldest when all are there', () => {
    put('', '.1', '.2.gz');
    shiftLogFiles(log, 3);
    expect(present()).toEqual(['.2<.1', '.1<']);
  });

  test('deletes the only one (LOG-117)', () => {
    put('');
    shiftLogFiles(log, 1);
    expect(existsSync(log)).toBe(false);
  });

  test('keeps the form of compressed files', () => {
    put('', '.1.gz', '.2.gz');
    shiftLogFiles(log, 9);
    expect(present()).toEqual(['.3.gz<.2.gz', '.2.gz<.1.gz', '.1<']);
  });

  test('finishes a shift that died half-way instead of shifting twice', () => {
    // .2 and .1 had moved already, the current one not yet.
    put('', '.2', '.3');
    shiftLogFiles(log, 4);
    expect(present()).toEqual(['.3<.3', '.2<.2', '.1<']);
  });

  test('may run again when it was done', () => {
    put('.1', '.2');
    shiftLogFiles(log, 4);
    expect(logFilesOldestFirst(log)).toHaveLength(2);
  });
});

test('a file that is just being compressed counts once, as its plain form', () => {
  put('', '.1', '.1.gz', '.1.gz.tmp', '.10', '.x');
  expect(present()).toEqual(['.10<.10', '.1<.1', '<']);
});
