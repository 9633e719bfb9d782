import { readdirSync, statfsSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { HiddenValues, withoutValues } from '../../../src/container-log/hidden-values.ts';
import { SecretOptions } from '../../../src/container-log/service/secret-options.ts';
import { makeScratch } from '../../support/scratch.ts';

const TMPFS = 0x0102_1994;
const scratch = makeScratch();
afterAll(() => scratch.remove());

describe('secret options of the log service', () => {
  test('are in memory alone where the directory is on a disk (LOG-100)', (context) => {
    const directory = scratch.path('secrets');
    const secrets = new SecretOptions(directory);
    context.skip(statfsSync(directory).type === TMPFS, 'temporary files are in memory here');
    secrets.put('a', { token: 'hush' });
    expect(readdirSync(directory)).toEqual([]);
    expect(secrets.get('a', ['token'])).toEqual({ token: 'hush' });
    expect(secrets.get('a', ['token', 'other'])).toBeUndefined();
    expect(new SecretOptions(directory).get('a', ['token'])).toBeUndefined();
    secrets.remove('a');
    expect(secrets.get('a', ['token'])).toBeUndefined();
    expect(secrets.hidden.in('hush')).toBe('hush');
  });
});

describe('hidden values', () => {
  test('are left out of texts, the longest first, until they are forgotten', () => {
    const hidden = new HiddenValues();
    hidden.set('a', ['tok', 'token-1', '']);
    hidden.set('b', ['other']);
    expect(hidden.in('token-1, tok, other and the rest')).toBe('***, ***, *** and the rest');
    hidden.delete('a');
    expect(hidden.in('token-1, other')).toBe('token-1, ***');
    expect(withoutValues('a.b*c', ['.b*'])).toBe('a***c');
  });
});
