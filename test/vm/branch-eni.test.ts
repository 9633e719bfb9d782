import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runInMachine } from './run-in-machine.ts';

const TIMEOUT_MS = 1_200_000;
const text = z.string();
const seenSchema = z.object({
  added: text,
  again: text,
  link: text,
  routes: text,
  hostLinks: text,
  reached: text,
  check: text,
  deleted: z.array(text),
  taskLinksAfter: text,
  hostLinksAfter: text,
});

describe('ecs-branch-eni on a kernel that has vlans', () => {
  let seen: z.infer<typeof seenSchema>;
  beforeAll(async () => {
    const output = await runInMachine('test/vm/branch-eni.guest.ts', TIMEOUT_MS);
    const line = output.split('\n').find((one) => one.startsWith('{')) ?? '';
    seen = seenSchema.parse(JSON.parse(line));
  }, TIMEOUT_MS);

  it('makes a vlan of the trunk with the MAC address of the branch, once (NET-46)', () => {
    expect(JSON.parse(seen.added)).toMatchObject({
      interfaces: [{ name: 'eth0', mac: '0e:00:00:00:0d:02' }],
      ips: [{ address: '10.97.0.20/24', gateway: '10.97.0.1', interface: 0 }],
    });
    expect(seen.again).toBe(seen.added);
    expect(seen.link).toMatch(/link\/ether 0e:00:00:00:0d:02.* vlan protocol 802\.1Q id 101 /);
    expect(seen.routes).toContain('default via 10.97.0.1 dev eth0');
    expect(seen.reached).toBe('router to 10.97.0.20');
    expect(seen.check).toBe('');
  });

  it('leaves the trunk on the host, and nothing of the branch after it (NET-99)', () => {
    const trunk = /up0@\S+: <[^>]*\bUP\b/;
    expect(seen.hostLinks).toMatch(trunk);
    expect(seen.deleted).toEqual(['', '']);
    expect(seen.taskLinksAfter).not.toContain('vlan');
    expect(seen.taskLinksAfter).not.toContain('eth0');
    expect(seen.hostLinksAfter).toMatch(trunk);
    expect(seen.hostLinksAfter).not.toContain('0e:00:00:00:0d:02');
  });
});
