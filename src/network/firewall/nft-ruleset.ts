import type { FirewallPlan, PublishedPort } from './firewall.ts';

/** The whole rule set as a script that replaces what was there before in one transaction. */
export function nftRuleset(table: string, plan: FirewallPlan): string {
  const { bridge, subnet4, subnet6, published } = plan;
  return [
    ...tableOf(table, {
      family: 'ip',
      bridge,
      subnet: subnet4,
      loopback: '127.0.0.0/8',
      ports: published.map((port) => ({ ...port, address: port.address4 })),
    }),
    ...(subnet6 === undefined
      ? [`table ip6 ${table}`, `delete table ip6 ${table}`]
      : tableOf(table, {
          family: 'ip6',
          bridge,
          subnet: subnet6,
          ports: published.flatMap((port) =>
            port.address6 === undefined ? [] : [{ ...port, address: port.address6 }],
          ),
        })),
    '',
  ].join('\n');
}

/** Whether what nft shows has every chain and every published port of the plan. */
export function showsAll(plan: FirewallPlan, shown: string): boolean {
  const chains = shown.match(/^\tchain /gm)?.length ?? 0;
  const ports = plan.published.flatMap(({ hostPort, containerPort, address4, address6 }) =>
    [address4, ...(address6 === undefined ? [] : [address6])].map(
      (address) => `${hostPort} : ${address} . ${containerPort}`,
    ),
  );
  return (
    chains === CHAINS.ip + (plan.subnet6 === undefined ? 0 : CHAINS.ip6) &&
    ports.every((port) => shown.includes(port))
  );
}

/** Chains of a table; the kernel itself keeps packets for ::1 from coming in. */
const CHAINS = { ip: 6, ip6: 5 } as const;

interface FamilyRules {
  readonly family: 'ip' | 'ip6';
  readonly bridge: string;
  readonly subnet: string;
  /** Addresses by which only the host reaches itself; in IPv6 the kernel never lets them out of `lo`. */
  readonly loopback?: string;
  readonly ports: readonly (PublishedPort & { readonly address: string })[];
}

/*
 * What goes to ::1 cannot be led off `lo`: it is left to the reserving socket, which refuses it at once.
 * Container to container over a published port has to be masqueraded, or the answer would go straight over the
 * bridge and nobody would turn its address back. A packet that leaves by the bridge and is neither an answer
 * nor for a published port nor from the bridge itself comes from off host. Local processes do not pass
 * `forward`.
 */
function tableOf(table: string, rules: FamilyRules): readonly string[] {
  const { family, bridge, subnet, loopback, ports } = rules;
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  return [
    `table ${family} ${table}`,
    `delete table ${family} ${table}`,
    `table ${family} ${table} {`,
    ...(['tcp', 'udp'] as const).flatMap((protocol) => [
      `  map ${protocol}_ports {`,
      `    type inet_service : ${address} . inet_service`,
      ...elements(ports.filter((port) => port.protocol === protocol)),
      '  }',
    ]),
    '  chain published {',
    `    dnat ${family} to tcp dport map @tcp_ports`,
    `    dnat ${family} to udp dport map @udp_ports`,
    '  }',
    '  chain prerouting {',
    '    type nat hook prerouting priority -100; policy accept;',
    '    fib daddr type local jump published',
    '  }',
    '  chain output {',
    '    type nat hook output priority -100; policy accept;',
    ...(family === 'ip6' ? ['    ip6 daddr ::1 accept'] : []),
    '    fib daddr type local jump published',
    '  }',
    '  chain postrouting {',
    '    type nat hook postrouting priority 100; policy accept;',
    `    oifname != "${bridge}" ${family} saddr ${subnet} masquerade`,
    `    oifname "${bridge}" ${family} saddr ${subnet} ct status dnat masquerade`,
    ...(loopback === undefined
      ? []
      : [`    oifname "${bridge}" ${family} saddr ${loopback} ct status dnat masquerade`]),
    '  }',
    '  chain forward {',
    '    type filter hook forward priority 0; policy accept;',
    `    oifname != "${bridge}" accept`,
    `    iifname "${bridge}" accept`,
    '    ct state established,related accept',
    '    ct status dnat accept',
    '    drop',
    '  }',
    ...(loopback === undefined
      ? []
      : [
          '  chain input {',
          '    type filter hook input priority 0; policy accept;',
          `    iifname != "${bridge}" accept`,
          `    ${family} daddr != ${loopback} accept`,
          '    ct state established,related accept',
          '    drop',
          '  }',
        ]),
    '}',
  ];
}

function elements(ports: FamilyRules['ports']): readonly string[] {
  if (ports.length === 0) return [];
  const list = ports.map((port) => `${port.hostPort} : ${port.address} . ${port.containerPort}`);
  return [`    elements = { ${list.join(', ')} }`];
}
