import { describe, expect, it } from 'vitest';
import type { FirewallPlan } from '../../../src/network/firewall/firewall.ts';
import { nftRuleset, showsAll } from '../../../src/network/firewall/nft-ruleset.ts';

const ADDRESSES = { address4: '172.17.0.2', address6: 'fd00::2' };
const PLAN: FirewallPlan = {
  bridge: 'ecs0',
  subnet4: '172.17.0.0/16',
  subnet6: 'fd00::/64',
  published: [
    { protocol: 'tcp', hostPort: 8080, containerPort: 80, ...ADDRESSES },
    { protocol: 'udp', hostPort: 5353, containerPort: 53, ...ADDRESSES },
  ],
};
const { subnet6: _, ...ONLY_4 } = PLAN;

/** As nft shows it: indented by tabs. */
const shownOf = (plan: FirewallPlan) => nftRuleset('ecs_bridge', plan).replaceAll('  ', '\t');

describe('what nft shows of the tables', () => {
  it('is as planned when every chain and every published port is there', () => {
    expect(showsAll(PLAN, shownOf(PLAN))).toBe(true);
    const only4 = { ...ONLY_4, published: PLAN.published.map(({ address6: _6, ...port }) => port) };
    expect(showsAll(only4, shownOf(only4))).toBe(true);
  });

  it.each([
    ['nothing is there', () => ''],
    ['a chain is gone', (shown: string) => shown.replace('\tchain forward {', '\t{')],
    ['a port is gone', (shown: string) => shown.replace('8080 : 172.17.0.2 . 80', '')],
    ['a port leads elsewhere', (shown: string) => shown.replace('5353 : fd00::2', '5353 : fd00::3')],
  ])('is not when %s', (_what, change) => {
    expect(showsAll(PLAN, change(shownOf(PLAN)))).toBe(false);
  });
});
