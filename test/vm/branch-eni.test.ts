import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runInMachine } from './run-in-machine.ts';

const TIMEOUT_MS = 1_200_000;
const text = z.string();
const remainsSchema = z.object({ onHost: z.boolean(), namespace: z.boolean(), record: z.boolean() });
const NOTHING = { onHost: false, namespace: false, record: false };
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
  deaths: z.array(
    z.object({
      killAt: z.number(),
      completed: z.object({ link: text, gateway: text }).optional(),
      remains: remainsSchema.optional(),
    }),
  ),
});

describe('a branch ENI on a kernel that has vlans', () => {
  let seen: z.infer<typeof seenSchema>;
  beforeAll(async () => {
    const output = await runInMachine('test/vm/branch-eni.guest.ts', TIMEOUT_MS);
    const line = output.split('\n').find((one) => one.startsWith('{')) ?? '';
    seen = seenSchema.parse(JSON.parse(line));
  }, TIMEOUT_MS);

  it('is made by ecs-branch-eni as a vlan of the trunk with the MAC address of the branch, once (NET-46)', () => {
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

  it('leaves the trunk on the host, and nothing of itself when it has been deleted (NET-99)', () => {
    const trunk = /up0@\S+: <[^>]*\bUP\b/;
    expect(seen.hostLinks).toMatch(trunk);
    expect(seen.deleted).toEqual(['', '']);
    expect(seen.taskLinksAfter).not.toContain('vlan');
    expect(seen.taskLinksAfter).not.toContain('eth0');
    expect(seen.hostLinksAfter).toMatch(trunk);
    expect(seen.hostLinksAfter).not.toContain('0e:00:00:00:0d:02');
  });

  it('is completed or taken down whole when the agent has died before any change of the host (NET-51, NET-47)', () => {
    expect(seen.deaths.length).toBeGreaterThan(6);
    for (const { killAt, completed, remains = NOTHING } of seen.deaths) {
      const when = `killed at change ${killAt}`;
      expect(remains, when).toEqual(NOTHING);
      if (completed === undefined) continue;
      expect(completed.link, when).toMatch(/ 0e:00:00:00:0d:02.* vlan protocol 802\.1Q id 101 /);
      expect(completed.gateway, when).toContain('default via 10.97.0.1 dev eth0');
    }
  });
});
