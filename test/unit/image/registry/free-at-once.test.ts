import { expect, it } from 'vitest';
import { freeAtOnce } from '../../../../src/image/registry/free-at-once.ts';

it('frees bytes that are all of their memory', () => {
  const bytes = Buffer.allocUnsafeSlow(1 << 20);
  freeAtOnce(bytes);
  expect(bytes.length).toBe(0);
});

it('leaves alone what is a part of some memory, such as that of many small buffers', () => {
  const whole = Buffer.from('header, body');
  const body = whole.subarray(8);
  freeAtOnce(body);
  expect(body.toString()).toBe('body');
  const part = Buffer.allocUnsafeSlow(100).fill('x').subarray(0, 99);
  freeAtOnce(part);
  expect(part.length).toBe(99);
});
