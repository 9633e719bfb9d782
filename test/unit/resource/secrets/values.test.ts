import { describe, expect, it } from 'vitest';
import {
  mergeFiles,
  parseEnvironmentFile,
  parseFileArn,
} from '../../../../src/resource/secrets/environment-file.ts';
import { goValue } from '../../../../src/resource/secrets/go-value.ts';
import { parseSecretArn } from '../../../../src/resource/secrets/secret-arn.ts';

const SECRET = 'arn:aws:secretsmanager:us-west-2:123456789012:secret:db-AbCdEf';

describe('an environment file', () => {
  it('skips comments, lines without = and without a name (RES-16)', () => {
    expect(parseEnvironmentFile('#A=1\nB\n=2\n\n #C=3\nD=4')).toEqual({ ' #C': '3', D: '4' });
  });

  it('cuts at the first = and neither trims nor unquotes (RES-17)', () => {
    expect(parseEnvironmentFile('A= x=y \nB="q"\nC=\r\nA=last\n')).toEqual({ A: 'last', B: '"q"', C: '' });
  });

  it('yields to those listed before it (RES-18)', () => {
    expect(mergeFiles([{ A: 'first' }, { A: 'second', B: 'second' }])).toEqual({ A: 'first', B: 'second' });
  });

  it('is an object of S3', () => {
    expect(parseFileArn('arn:aws-cn:s3:::bucket/dir/app.env')).toEqual({
      bucket: 'bucket',
      key: 'dir/app.env',
    });
    expect(() => parseFileArn('arn:aws:s3:::bucket')).toThrow('arn:aws:s3:::bucket is not an ARN');
  });

  it('may not lead out of its directory (RES-15)', () => {
    expect(() => parseFileArn('arn:aws:s3:::bucket/../../etc/passwd')).toThrow(
      'bucket bucket has the key ../../etc/passwd',
    );
  });
});

describe('the ARN of a secret', () => {
  it('names the whole secret, or a key, a stage and a version of it', () => {
    expect(parseSecretArn(SECRET)).toEqual({ secretId: SECRET });
    expect(parseSecretArn(`${SECRET}:user::`)).toEqual({ secretId: SECRET, jsonKey: 'user' });
    expect(parseSecretArn(`${SECRET}:user:AWSPREVIOUS:v1`)).toEqual({
      secretId: SECRET,
      jsonKey: 'user',
      versionStage: 'AWSPREVIOUS',
      versionId: 'v1',
    });
  });

  it.each([`${SECRET}:user`, `${SECRET}:a:b:c:d`, SECRET.slice(0, -10).replace(/:[^:]*$/, ''), 'db'])(
    'is refused with another number of parts: %s (RES-26)',
    (arn) => {
      expect(() => parseSecretArn(arn)).toThrow(`the secret ${arn} is not an ARN`);
    },
  );
});

it.each([
  ['text', 'text'],
  [true, 'true'],
  [5432, '5432'],
  [1_000_000, '1e+06'],
  [123_456_789, '1.23456789e+08'],
  [0.0001, '0.0001'],
  [0.00001, '1e-05'],
  [-0.5, '-0.5'],
  [0, '0'],
  [null, '<nil>'],
  [{ b: 1, a: ['x', 2] }, 'map[a:[x 2] b:1]'],
])('%j of a secret becomes %s, as Go writes it', (value, text) => {
  expect(goValue(value)).toBe(text);
});
