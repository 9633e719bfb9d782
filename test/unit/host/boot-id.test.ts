import { expect, test } from 'vitest';
import { observeBootId } from '../../../src/host/boot-id.ts';

test('tells the boot that the machine is in, without the line end', async () => {
  const id = await observeBootId();
  expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(await observeBootId()).toBe(id);
});
