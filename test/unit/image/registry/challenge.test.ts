import { expect, it } from 'vitest';
import { parseChallenges } from '../../../../src/image/registry/challenge.ts';

it.each([
  ['', []],
  ['Basic realm="a b"', [{ scheme: 'basic', parameters: { realm: 'a b' } }]],
  [
    'Bearer realm="https://t/token",service="r",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: { realm: 'https://t/token', service: 'r', scope: 'repository:a/b:pull,push' },
      },
    ],
  ],
  [
    'bearer Realm=https://t/token , error=insufficient_scope',
    [{ scheme: 'bearer', parameters: { realm: 'https://t/token', error: 'insufficient_scope' } }],
  ],
  [
    'Negotiate, Basic realm="x\\"y", Bearer realm="z"',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x"y' } },
      { scheme: 'bearer', parameters: { realm: 'z' } },
    ],
  ],
  ['realm="lost"', []],
  ['"', []],
])('reads the challenge %s', (header, expected) => {
  expect(parseChallenges(header)).toEqual(expected);
});
