import type { FlowFault } from '../../task/fault.ts';
import type { FaultCommands } from './blackhole.ts';

/** Everything into the last of three bands unless a filter says otherwise. */
const PRIOMAP = `priomap${' 2'.repeat(16)}`;
const LEAVES = Array.from({ length: 10 }, (_, leaf) => leaf);
const CLASSES = 10;
/** Handles of the leaf qdiscs, 100: to 109:, and of the first netem. */
const FIRST_LEAF = 100;
const FIRST_NETEM = 200;
const FLOW_KEYS = 'src,dst,proto,proto-src,proto-dst';

/** The flow fault that runs on a link, by its first leaf (metadata-endpoints.md §7.5); undefined: none. */
export async function runningFlowFault(
  link: string,
  { must }: FaultCommands,
): Promise<FlowFault['kind'] | undefined> {
  const shown = await must('tc', '-j', 'q', 'show', 'dev', link, 'parent', `${FIRST_LEAF}:1`);
  const qdiscs: unknown = shown.trim() === '' ? [] : JSON.parse(shown);
  const netem = Array.isArray(qdiscs) ? qdiscs.find(isNetem) : undefined;
  if (netem === undefined) return undefined;
  return 'loss-random' in netem.options ? 'network-packet-loss' : 'network-latency';
}

function isNetem(qdisc: unknown): qdisc is { readonly options: object } {
  return (
    typeof qdisc === 'object' &&
    qdisc !== null &&
    'kind' in qdisc &&
    qdisc.kind === 'netem' &&
    'options' in qdisc &&
    typeof qdisc.options === 'object' &&
    qdisc.options !== null
  );
}

/**
 * Spreads what goes to the sources over 100 classes by a hash of its flow, of which as many as the fault says delay
 * or lose packets. All else, and what is to be left alone, goes by.
 */
export async function startFlowFault(link: string, fault: FlowFault, { tc }: FaultCommands): Promise<void> {
  await tc([...classes(link), ...troubles(link, fault), ...leads(link, fault), ...spreads(link)]);
}

/** Takes the whole tree away (TMDS-69). */
export async function stopFlowFault(link: string, { tc }: FaultCommands): Promise<void> {
  await tc([`qdisc del dev ${link} parent 1:1 handle 10:`, `qdisc del dev ${link} root handle 1: prio`]);
}

/** The bands of the link, ten classes below the first of them, and ten below each of those. */
function classes(link: string): readonly string[] {
  return [
    `qdisc add dev ${link} root handle 1: prio ${PRIOMAP}`,
    `qdisc add dev ${link} parent 1:1 handle 10: prio bands ${CLASSES} ${PRIOMAP}`,
    ...LEAVES.map(
      (leaf) =>
        `qdisc add dev ${link} parent 10:${hex(leaf + 1)} handle ${FIRST_LEAF + leaf}: prio bands ${CLASSES} ${PRIOMAP}`,
    ),
  ];
}

function troubles(link: string, { flowsPercent, effect }: FlowFault): readonly string[] {
  const trouble =
    'lossPercent' in effect
      ? `loss ${effect.lossPercent}%`
      : `delay ${effect.delayMs}ms ${effect.jitterMs}ms`;
  return Array.from({ length: flowsPercent }, (_, flow) => {
    const parent = `${FIRST_LEAF + Math.floor(flow / CLASSES)}:${hex((flow % CLASSES) + 1)}`;
    return `qdisc add dev ${link} parent ${parent} handle ${FIRST_NETEM + flow}: netem ${trouble}`;
  });
}

/** What is to be left alone is led past before what goes to the sources is led in. */
function leads(link: string, { sources, sourcesToFilter }: FlowFault): readonly string[] {
  const lead = (address: string, priorities: readonly [ipv4: number, ipv6: number], flow: string) => {
    const isIpv6 = address.includes(':');
    const [protocol, match, priority] = isIpv6 ? ['ipv6', 'ip6', priorities[1]] : ['ip', 'ip', priorities[0]];
    return `filter add dev ${link} parent 1:0 protocol ${protocol} prio ${priority} u32 match ${match} dst ${address} flowid ${flow}`;
  };
  return [
    ...sourcesToFilter.map((address) => lead(address, [1, 3], '1:3')),
    ...sources.map((address) => lead(address, [2, 4], '1:1')),
  ];
}

/** By a hash of the flow, to the classes below. */
function spreads(link: string): readonly string[] {
  const spread = (parent: string, handle: number) =>
    `filter add dev ${link} parent ${parent} handle ${handle} prio 2 protocol all flow hash keys ${FLOW_KEYS} divisor ${CLASSES} baseclass ${parent}1`;
  return [spread('10:', 1), ...LEAVES.map((leaf) => spread(`${FIRST_LEAF + leaf}:`, leaf + 1))];
}

/** tc writes and reads numbers of classes in hex. */
const hex = (value: number) => value.toString(16);
