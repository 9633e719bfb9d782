import { isProgramMissing, type RunCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import { ENDPOINT_ADDRESS, ENDPOINT_PORT, LISTENER_PORT } from './endpoint-address.ts';

/** Where port 80 of 169.254.170.2 leads: to that address's listener, or to the one on the host's loopback. */
export type RuleTarget = 'namespace' | 'host';

interface RuleCall {
  readonly run: RunCommand;
  /** Of the host: link of a bridge whose containers are led there too. */
  readonly bridge?: string;
  readonly signal: AbortSignal;
}

const MATCH = ['-d', ENDPOINT_ADDRESS, '-p', 'tcp', '--dport', String(ENDPOINT_PORT)];
const NFT_MATCH = `ip daddr ${ENDPOINT_ADDRESS} tcp dport ${ENDPOINT_PORT}`;
const LISTENERS: Readonly<Record<RuleTarget, string>> = {
  namespace: `${ENDPOINT_ADDRESS}:${LISTENER_PORT}`,
  host: `127.0.0.1:${LISTENER_PORT}`,
};

/**
 * Makes the rule by which local programs get from port 80 to the listener, in the network namespace in which `run`
 * runs programs: in a table of our own by nft, where that is missing by iptables (networking.md §3.3, 5). With a
 * bridge the same for what comes from there (§3.3, 1), which gets at nothing else on the loopback of the host.
 * Rejects with `ContainerNetworkingError` that says what the packet filter said.
 */
export async function ensureEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<void> {
  const add = chains(target, call.bridge).flatMap(({ name, hook, rule }) => [
    `add chain ip ${table} ${name} { type ${hook}; }`,
    `add rule ip ${table} ${name} ${rule}`,
  ]);
  const refusal = await tryNft([`add table ip ${table}`, `flush table ip ${table}`, ...add], call);
  if (refusal === undefined) return;
  if (refusal !== 'missing')
    throw new TaskError('ContainerNetworkingError', `nft refused the rule: ${refusal}`);
  for (const rule of iptablesRules(table, target, call.bridge)) {
    if ((await iptables(rule('-C'), call)) === '') continue;
    const failure = await iptables(rule('-A'), call);
    if (failure !== '')
      throw new TaskError('ContainerNetworkingError', `iptables refused the rule: ${failure}`);
  }
}

/** Whether the rule is there. */
export async function hasEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<boolean> {
  try {
    const { exitCode, stdout } = await call.run('nft', ['list', 'table', 'ip', table], call);
    return exitCode === 0 && chains(target, call.bridge).every(({ rule }) => stdout.includes(rule));
  } catch (error) {
    if (!isProgramMissing(error)) throw error;
    for (const rule of iptablesRules(table, target, call.bridge))
      if ((await iptables(rule('-C'), call)) !== '') return false;
    return true;
  }
}

/** Takes the rule away; none there: success. */
export async function removeEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<void> {
  // Adding what may be there already makes deleting it succeed in any case.
  const refusal = await tryNft([`add table ip ${table}`, `delete table ip ${table}`], call);
  if (refusal === undefined) return;
  if (refusal !== 'missing')
    throw new TaskError('ContainerNetworkingError', `nft refused to delete its table: ${refusal}`);
  for (const rule of iptablesRules(table, target, call.bridge)) await iptables(rule('-D'), call);
}

/** What is in the table, as nft shows it. */
function chains(target: RuleTarget, bridge: string | undefined) {
  const output = {
    name: 'output',
    hook: 'nat hook output priority -100',
    rule: `${NFT_MATCH} ${target === 'host' ? `redirect to :${LISTENER_PORT}` : `dnat to ${LISTENERS[target]}`}`,
  };
  if (bridge === undefined) return [output];
  const from = `iifname "${bridge}"`;
  return [
    {
      name: 'guard',
      hook: 'filter hook prerouting priority -300',
      rule: `${from} ip daddr 127.0.0.0/8 drop`,
    },
    output,
    {
      name: 'prerouting',
      hook: 'nat hook prerouting priority -100',
      rule: `${from} ${NFT_MATCH} dnat to ${LISTENERS[target]}`,
    },
  ];
}

/** Arguments of iptables that do something (`-A`, `-C`, `-D`) with each rule. */
function iptablesRules(table: string, target: RuleTarget, bridge: string | undefined) {
  const rule =
    (filter: string, chain: string, ...rest: readonly string[]) =>
    (what: string): readonly string[] => [
      ...['-t', filter, what, chain],
      ...['-m', 'comment', '--comment', table],
      ...rest,
    ];
  const dnat = ['-j', 'DNAT', '--to-destination', LISTENERS[target]];
  const redirect = ['-j', 'REDIRECT', '--to-ports', String(LISTENER_PORT)];
  const output = rule('nat', 'OUTPUT', ...MATCH, ...(target === 'host' ? redirect : dnat));
  if (bridge === undefined) return [output];
  return [
    rule('raw', 'PREROUTING', '-i', bridge, '-d', '127.0.0.0/8', '-j', 'DROP'),
    output,
    rule('nat', 'PREROUTING', '-i', bridge, ...MATCH, ...dnat),
  ];
}

async function tryNft(script: readonly string[], { run, signal }: RuleCall): Promise<string | undefined> {
  try {
    const { exitCode, stderr } = await run('nft', ['-f', '-'], { signal, input: `${script.join('\n')}\n` });
    return exitCode === 0 ? undefined : stderr.trim();
  } catch (error) {
    if (isProgramMissing(error)) return 'missing';
    throw error;
  }
}

/** What it complained of; empty: nothing. */
async function iptables(args: readonly string[], { run, signal }: RuleCall): Promise<string> {
  try {
    const { exitCode, stderr } = await run('iptables', ['-w', '5', ...args], { signal });
    return exitCode === 0 ? '' : stderr.trim() || `status ${exitCode}`;
  } catch (error) {
    if (isProgramMissing(error)) return 'neither nft nor iptables is there; install the package nftables';
    throw error;
  }
}
