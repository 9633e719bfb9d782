import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type RunCommand, runCommand } from '../../../src/host/run-command.ts';
import { BridgeFirewall } from '../../../src/network/firewall/bridge-firewall.ts';
import type { FirewallPlan, PublishedPort } from '../../../src/network/firewall/firewall.ts';
import { ForwardAccept } from '../../../src/network/firewall/forward-accept.ts';
import { NftFirewall } from '../../../src/network/firewall/nft-firewall.ts';
import { NetworkHost } from '../../support/network-host.ts';

const TABLE = 'ecs_bridge';
const NOBODY: FirewallPlan = {
  bridge: 'ecs0',
  subnet4: '172.17.0.0/16',
  subnet6: 'fd00:1:2::/64',
  published: [],
};
const web: PublishedPort = {
  protocol: 'tcp',
  hostPort: 8080,
  containerPort: 80,
  address4: '172.17.0.2',
  address6: 'fd00:1:2::2',
};
const names: PublishedPort = { ...web, protocol: 'udp', hostPort: 5353, containerPort: 53 };
const only4: PublishedPort = {
  protocol: 'tcp',
  hostPort: 443,
  containerPort: 8443,
  address4: '172.17.255.254',
};

let host: NetworkHost;
let visit: Disposable;
let plan: FirewallPlan;
let programs: string[];
let restored: string[];
let firewall: BridgeFirewall;

/** A firewall as the bridge network has it; `substitute` names the program that is run in place of one. */
function openFirewall(substitute: (program: string) => string = (program) => program): BridgeFirewall {
  const run: RunCommand = async (program, ...rest) => {
    programs.push(program);
    return await runCommand(substitute(program), ...rest);
  };
  const nft = new NftFirewall(TABLE, run);
  return new BridgeFirewall({
    firewall: async () => nft,
    forward: new ForwardAccept({ bridge: NOBODY.bridge, tag: TABLE, run }),
    plan: () => plan,
    onRestored: (what) => restored.push(what),
    onTrouble: (error) => restored.push(String(error)),
  });
}

beforeEach(async () => {
  host = await NetworkHost.create('firewall', { ipv6: true });
  visit = host.enter();
  plan = NOBODY;
  [programs, restored] = [[], []];
  firewall = openFirewall();
});
afterEach(async () => {
  await firewall.close();
  visit[Symbol.dispose]();
  await host[Symbol.asyncDispose]();
});

async function publish(...published: readonly PublishedPort[]): Promise<void> {
  plan = { ...NOBODY, published };
  programs = [];
  await firewall.refresh();
}

const shown = async () =>
  `${await host.run('nft', 'list', 'table', 'ip', TABLE)}${await host.run('nft', 'list', 'table', 'ip6', TABLE)}`;

describe('published ports of the bridge', () => {
  test('come and go without any program, and stand as nft would have put them', async () => {
    await publish();
    for (const published of [[web], [web, names, only4], [{ ...web, address4: '172.17.0.9' }, only4], []]) {
      await publish(...published);
      expect(programs).toEqual([]);
      const byNetlink = await shown();
      await new NftFirewall(TABLE, runCommand).apply(plan, { signal: AbortSignal.timeout(10_000) });
      expect(await shown()).toBe(byNetlink);
      // That was somebody else's change.
      await firewall.check();
    }
    expect(restored).toEqual([]);
  });

  test('are checked without any program as long as nobody has changed the packet filter', async () => {
    await publish();
    await publish(web);
    await firewall.check();
    expect(programs).toEqual([]);
    await host.run('nft', 'add', 'table', 'ip', 'others');
    await firewall.check();
    expect(programs).toContain('nft');
    programs = [];
    await firewall.check();
    expect(programs).toEqual([]);
    expect(restored).toEqual([]);
  });

  test('are put back when somebody flushes the packet filter, by a check and by the next change (NET-81)', async () => {
    await publish();
    await publish(web);
    await host.run('nft', 'flush', 'ruleset');
    await firewall.check();
    expect(await shown()).toContain('8080 : 172.17.0.2 . 80');
    expect(restored).toEqual(['the rules of published ports']);
    await host.run('nft', 'flush', 'ruleset');
    await publish(web, names);
    expect(await shown()).toMatch(/8080 : 172\.17\.0\.2 \. 80[\s\S]*5353 : 172\.17\.0\.2 \. 53/);
    expect(await shown()).toContain('5353 : fd00:1:2::2 . 53');
  });

  test('more of them than one message holds come at once', async () => {
    await publish();
    await publish(...Array.from({ length: 2_000 }, (_, index) => ({ ...web, hostPort: 20_000 + index })));
    expect((await shown()).match(/ : fd00:1:2::2 \. 80/g)).toHaveLength(2_000);
    await publish();
    expect(await shown()).not.toContain(' . 80');
  });

  test('are let through at the next change when FORWARD has become DROP meanwhile', async () => {
    await publish();
    await publish(web);
    await host.run('iptables', '-P', 'FORWARD', 'DROP');
    await publish(web, names);
    expect(await host.run('iptables', '-S', 'FORWARD')).toContain(`-i ${NOBODY.bridge}`);
  });

  test('are let through where FORWARD is the legacy program’s, whose changes no generation tells', async () => {
    firewall = openFirewall((program) => program.replace(/^(ip6?tables)$/, '$1-legacy'));
    await publish();
    await publish(web);
    expect(programs.filter((program) => program === 'iptables')).toHaveLength(1);
  });
});
