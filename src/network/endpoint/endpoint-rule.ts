import { isProgramMissing, type RunCommand } from '../../host/run-command.ts';
import { TaskError } from '../../task/errors.ts';
import { ENDPOINT_ADDRESS, ENDPOINT_PORT, LISTENER_PORT } from './endpoint-address.ts';

/** Where port 80 of 169.254.170.2 leads: to that address's listener, or to the one on the host's loopback. */
export type RuleTarget = 'namespace' | 'host';

interface RuleCall {
  readonly run: RunCommand;
  readonly signal: AbortSignal;
}

const NFT_TARGET: Readonly<Record<RuleTarget, string>> = {
  namespace: `dnat to ${ENDPOINT_ADDRESS}:${LISTENER_PORT}`,
  host: `redirect to :${LISTENER_PORT}`,
};
const IPTABLES_TARGET: Readonly<Record<RuleTarget, readonly string[]>> = {
  namespace: ['-j', 'DNAT', '--to-destination', `${ENDPOINT_ADDRESS}:${LISTENER_PORT}`],
  host: ['-j', 'REDIRECT', '--to-ports', String(LISTENER_PORT)],
};
const MATCH = ['-d', ENDPOINT_ADDRESS, '-p', 'tcp', '--dport', String(ENDPOINT_PORT)];

/**
 * Makes the one rule by which local programs get from port 80 to the listener, in the network namespace in which
 * `run` runs programs: in a table of our own by nft, where that is missing by iptables (networking.md §3.3, 5).
 * Rejects with `ContainerNetworkingError` that says what the packet filter said.
 */
export async function ensureEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<void> {
  const script = [
    `add table ip ${table}`,
    `flush table ip ${table}`,
    `add chain ip ${table} output { type nat hook output priority -100; }`,
    `add rule ip ${table} output ip daddr ${ENDPOINT_ADDRESS} tcp dport ${ENDPOINT_PORT} ${NFT_TARGET[target]}`,
  ];
  const refusal = await tryNft(script, call);
  if (refusal === undefined) return;
  if (refusal !== 'missing')
    throw new TaskError('ContainerNetworkingError', `nft refused the rule: ${refusal}`);
  const rule = iptablesRule(table, target);
  if ((await iptables(['-C', ...rule], call)) === '') return;
  const failure = await iptables(['-A', ...rule], call);
  if (failure !== '')
    throw new TaskError('ContainerNetworkingError', `iptables refused the rule: ${failure}`);
}

/** Whether the rule is there. */
export async function hasEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<boolean> {
  try {
    const { exitCode, stdout } = await call.run('nft', ['list', 'table', 'ip', table], call);
    return exitCode === 0 && stdout.includes(`ip daddr ${ENDPOINT_ADDRESS}`);
  } catch (error) {
    if (!isProgramMissing(error)) throw error;
    return (await iptables(['-C', ...iptablesRule(table, target)], call)) === '';
  }
}

/** Takes the rule away; none there: success. */
export async function removeEndpointRule(table: string, target: RuleTarget, call: RuleCall): Promise<void> {
  // Adding what may be there already makes deleting it succeed in any case.
  const refusal = await tryNft([`add table ip ${table}`, `delete table ip ${table}`], call);
  if (refusal === undefined) return;
  if (refusal !== 'missing')
    throw new TaskError('ContainerNetworkingError', `nft refused to delete its table: ${refusal}`);
  await iptables(['-D', ...iptablesRule(table, target)], call);
}

function iptablesRule(table: string, target: RuleTarget): readonly string[] {
  return ['OUTPUT', ...MATCH, '-m', 'comment', '--comment', table, ...IPTABLES_TARGET[target]];
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
    const { exitCode, stderr } = await run('iptables', ['-w', '5', '-t', 'nat', ...args], { signal });
    return exitCode === 0 ? '' : stderr.trim() || `status ${exitCode}`;
  } catch (error) {
    if (isProgramMissing(error)) return 'neither nft nor iptables is there; install the package nftables';
    throw error;
  }
}
