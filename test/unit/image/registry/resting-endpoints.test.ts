import { expect, it } from 'vitest';
import { upstreamOf } from '../../../../src/image/registry/endpoint.ts';
import { RestingEndpoints } from '../../../../src/image/registry/resting-endpoints.ts';

it.each([
  [undefined, true],
  [429, true],
  [503, true],
  [404, false],
  [401, false],
])('after %s a mirror is left alone for all things: %s', (status, forAll) => {
  let now = 1_000;
  const resting = new RestingEndpoints(() => now);
  const mirror = upstreamOf('mirror.example');
  resting.rest(mirror, 'app/manifests/1', { status });
  expect(resting.isResting(mirror, 'app/manifests/1')).toBe(true);
  expect(resting.isResting(mirror, 'app/manifests/2')).toBe(forAll);
  expect(resting.isResting(upstreamOf('other.example'), 'app/manifests/1')).toBe(false);
  now += 60_000;
  expect(resting.isResting(mirror, 'app/manifests/1')).toBe(false);
});
