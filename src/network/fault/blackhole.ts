import type { BlackholeFault } from '../../task/fault.ts';

/** Runs a program where the fault acts; true when its status was 0. */
export type TryCommand = (program: string, ...args: readonly string[]) => Promise<boolean>;
/** As that; rejects with what it complained of. */
export type MustCommand = (program: string, ...args: readonly string[]) => Promise<string>;

/** Runs lines of tc in one process, up to the first that fails; rejects with what that complained of. */
export type TcCommands = (lines: readonly string[]) => Promise<void>;

export interface FaultCommands {
  readonly attempt: TryCommand;
  readonly must: MustCommand;
  readonly tc: TcCommands;
}

interface Family {
  readonly program: 'iptables' | 'ip6tables';
  readonly all: string;
  readonly isMine: (address: string) => boolean;
}

const IPV4: Family = { program: 'iptables', all: '0.0.0.0/0', isMine: (address) => !address.includes(':') };
const IPV6: Family = { program: 'ip6tables', all: '::/0', isMine: (address) => address.includes(':') };
const TABLE_WAIT = ['-w', '5'] as const;
/** Tasks keep their credentials and metadata whatever they cut themselves off from (TMDS-64). */
const ENDPOINT_ADDRESS = '169.254.170.2';
const ENDPOINT_PORT = 80;

/** Whether packets to the port are dropped, by the IPv4 rule alone (metadata-endpoints.md §7.4). */
export async function isBlackholed(fault: BlackholeFault, { attempt }: FaultCommands): Promise<boolean> {
  return await attempt('iptables', ...TABLE_WAIT, '-C', chainOf(fault), ...portOf(fault), '-j', 'DROP');
}

/**
 * Drops what goes to the port, but for addresses that are to stay reachable: a chain of its own at the head of
 * INPUT or OUTPUT, for IPv4, then IPv6. What an unfinished run left is taken up.
 */
export async function startBlackhole(
  fault: BlackholeFault,
  ipv6Matters: boolean,
  commands: FaultCommands,
): Promise<void> {
  await addChain(IPV4, fault, commands);
  await whereIpv6Matters(ipv6Matters, () => addChain(IPV6, fault, commands));
}

/** Takes chain and jump away in both families; not there: success. */
export async function stopBlackhole(
  fault: BlackholeFault,
  ipv6Matters: boolean,
  commands: FaultCommands,
): Promise<void> {
  await removeChain(IPV4, fault, commands);
  await whereIpv6Matters(ipv6Matters, () => removeChain(IPV6, fault, commands));
}

async function addChain(
  family: Family,
  fault: BlackholeFault,
  { attempt, must }: FaultCommands,
): Promise<void> {
  const chain = chainOf(fault);
  const call = [family.program, ...TABLE_WAIT] as const;
  if (!(await attempt(...call, '-N', chain))) await must(...call, '-F', chain);
  for (const address of keptReachable(fault).filter(family.isMine))
    await must(...call, '-A', chain, ...portOf(fault, address), '-j', 'ACCEPT');
  await must(...call, '-A', chain, ...portOf(fault, family.all), '-j', 'DROP');
  while (await attempt(...call, '-D', hookOf(fault), '-j', chain));
  await must(...call, '-I', hookOf(fault), '-j', chain);
}

async function removeChain(
  family: Family,
  fault: BlackholeFault,
  { attempt, must }: FaultCommands,
): Promise<void> {
  const chain = chainOf(fault);
  const call = [family.program, ...TABLE_WAIT] as const;
  if (!(await attempt(...call, '-F', chain))) return;
  while (await attempt(...call, '-D', hookOf(fault), '-j', chain));
  await must(...call, '-X', chain);
}

/** Failures of IPv6 count only where there is nothing else. */
async function whereIpv6Matters(matters: boolean, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (matters) throw error;
  }
}

function keptReachable({ sourcesToFilter, trafficType, port }: BlackholeFault): readonly string[] {
  const endpoint = trafficType === 'egress' && port === ENDPOINT_PORT ? [ENDPOINT_ADDRESS] : [];
  return [...sourcesToFilter, ...endpoint];
}

const chainOf = ({ trafficType, protocol, port }: BlackholeFault) => `${trafficType}-${protocol}-${port}`;

const hookOf = ({ trafficType }: BlackholeFault) => (trafficType === 'ingress' ? 'INPUT' : 'OUTPUT');

/** The destination is matched for both directions (§7.4). */
function portOf({ protocol, port }: BlackholeFault, destination?: string): readonly string[] {
  return ['-p', protocol, ...(destination === undefined ? [] : ['-d', destination]), '--dport', String(port)];
}
