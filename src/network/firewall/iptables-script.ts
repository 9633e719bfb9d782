import type { FirewallPlan } from './firewall.ts';

interface Hook {
  readonly table: 'nat' | 'filter';
  readonly hook: string;
  readonly chain: string;
  readonly match: readonly string[];
}

/** Names of chains have at most 28 characters. */
const SUFFIX = { dnat: '_DNAT', post: '_SNAT', forward: '_FWD', input: '_IN' } as const;

export function chainNames(name: string): readonly { readonly table: string; readonly chain: string }[] {
  const upper = name.toUpperCase();
  return [
    { table: 'nat', chain: upper + SUFFIX.dnat },
    { table: 'nat', chain: upper + SUFFIX.post },
    { table: 'filter', chain: upper + SUFFIX.forward },
    { table: 'filter', chain: upper + SUFFIX.input },
  ];
}

/** From where our chains are jumped to. */
export function chainHooks(name: string): readonly Hook[] {
  const upper = name.toUpperCase();
  const local = ['-m', 'addrtype', '--dst-type', 'LOCAL'];
  return [
    { table: 'nat', hook: 'PREROUTING', chain: upper + SUFFIX.dnat, match: local },
    { table: 'nat', hook: 'OUTPUT', chain: upper + SUFFIX.dnat, match: local },
    { table: 'nat', hook: 'POSTROUTING', chain: upper + SUFFIX.post, match: [] },
    { table: 'filter', hook: 'FORWARD', chain: upper + SUFFIX.forward, match: [] },
    { table: 'filter', hook: 'INPUT', chain: upper + SUFFIX.input, match: [] },
  ];
}

/** Fills our chains for one address family; what they held before goes in the same step (iptables-restore). */
export function iptablesScript(name: string, family: 'ip' | 'ip6', plan: FirewallPlan): string {
  const { bridge, published } = plan;
  const upper = name.toUpperCase();
  const subnet = family === 'ip' ? plan.subnet4 : plan.subnet6;
  const dnat = published.flatMap((port) => {
    const address = family === 'ip' ? port.address4 : port.address6;
    if (address === undefined) return [];
    const target = family === 'ip' ? address : `[${address}]`;
    return `-A ${upper}_DNAT -p ${port.protocol} --dport ${port.hostPort} -j DNAT --to-destination ${target}:${port.containerPort}`;
  });
  const dnatted = '-m conntrack --ctstate DNAT';
  return [
    '*nat',
    `:${upper}_DNAT - [0:0]`,
    `:${upper}_SNAT - [0:0]`,
    ...(family === 'ip6' ? [`-A ${upper}_DNAT -d ::1 -j RETURN`] : []),
    ...dnat,
    `-A ${upper}_SNAT ! -o ${bridge} -s ${subnet} -j MASQUERADE`,
    `-A ${upper}_SNAT -o ${bridge} -s ${subnet} ${dnatted} -j MASQUERADE`,
    ...(family === 'ip' ? [`-A ${upper}_SNAT -o ${bridge} -s 127.0.0.0/8 ${dnatted} -j MASQUERADE`] : []),
    'COMMIT',
    '*filter',
    `:${upper}_FWD - [0:0]`,
    `:${upper}_IN - [0:0]`,
    `-A ${upper}_FWD ! -o ${bridge} -j RETURN`,
    `-A ${upper}_FWD -i ${bridge} -j RETURN`,
    `-A ${upper}_FWD -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN`,
    `-A ${upper}_FWD ${dnatted} -j RETURN`,
    `-A ${upper}_FWD -j DROP`,
    ...(family === 'ip'
      ? [`-A ${upper}_IN -i ${bridge} -d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED -j DROP`]
      : []),
    'COMMIT',
    '',
  ].join('\n');
}
