import { describe, expect, it } from 'vitest';
import { containerSchema } from '../../../src/wire/acs-payload.ts';

describe('a container on the wire', () => {
  const secret = {
    name: 'TOKEN',
    valueFrom: '/token',
    region: 'us-west-2',
    provider: 'ssm',
    type: 'ENVIRONMENT_VARIABLE',
    target: 'CONTAINER',
  };

  it('carries secrets by all that tells where they come from and go to', () => {
    expect(containerSchema.parse({ secrets: [secret] }).secrets).toEqual([secret]);
    expect(containerSchema.parse({ secrets: null }).secrets).toBeNull();
  });

  it('is refused with a secret whose provider is no text', () => {
    expect(containerSchema.safeParse({ secrets: [{ ...secret, provider: 1 }] }).success).toBe(false);
  });
});
