import { describe, expect, it } from 'vitest';
import { cloudInitMissedUserData } from '../../../src/config/cloud-init.ts';

function missed(result: string | undefined, userData: () => Promise<string | undefined>): Promise<boolean> {
  const readFile = async (path: string) => (path === '/var/lib/cloud/data/result.json' ? result : undefined);
  return cloudInitMissedUserData(readFile, { userData, region: async () => undefined });
}

const none = '{"v1":{"datasource":"DataSourceNone","errors":[]}}';
const ec2 = '{"v1":{"datasource":"DataSourceEc2Local"}}';

describe('cloud-init', () => {
  it('missed user data that it found no source for (CFG-52)', async () => {
    expect(await missed(none, async () => '#!/bin/sh')).toBe(true);
    expect(await missed(none, async () => '')).toBe(false);
    expect(await missed(none, async () => undefined)).toBe(false);
    expect(await missed(ec2, async () => '#!/bin/sh')).toBe(false);
  });

  it('is fine when its result or the user data cannot be read (CFG-92)', async () => {
    expect(await missed(undefined, async () => 'x')).toBe(false);
    expect(await missed('{', async () => 'x')).toBe(false);
    expect(await missed('[]', async () => 'x')).toBe(false);
    expect(await missed(none, () => Promise.reject(new Error('no answer')))).toBe(false);
  });
});
