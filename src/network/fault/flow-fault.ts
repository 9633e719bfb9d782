import type { FlowFault } from '../../task/fault.ts';
import type { FaultCommands } from './blackhole.ts';

/** Everything into the last of three bands unless a filter says otherwise. */
const PRIOMAP = ['priomap', ...new Array<string>(16).fill('2')];
const LEAF_QDISCS = 10;
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
export async function startFlowFault(link: string, fault: FlowFault, { must }: FaultCommands): Promise<void> {
  const qdisc = (...args: readonly string[]) => must('tc', 'qdisc', 'add', 'dev', link, ...args);
  const filter = (...args: readonly string[]) => must('tc', 'filter', 'add', 'dev', link, ...args);
  await qdisc('root', 'handle', '1:', 'prio', ...PRIOMAP);
  await qdisc('parent', '1:1', 'handle', '10:', 'prio', 'bands', String(CLASSES), ...PRIOMAP);
  for (let leaf = 0; leaf < LEAF_QDISCS; leaf++)
    await qdisc(
      'parent',
      `10:${hex(leaf + 1)}`,
      'handle',
      `${FIRST_LEAF + leaf}:`,
      'prio',
      'bands',
      String(CLASSES),
      ...PRIOMAP,
    );
  for (let flow = 0; flow < fault.flowsPercent; flow++) {
    const parent = `${FIRST_LEAF + Math.floor(flow / CLASSES)}:${hex((flow % CLASSES) + 1)}`;
    await qdisc(
      'parent',
      parent,
      'handle',
      `${FIRST_NETEM + flow}:`,
      'netem',
      ...netemArguments(fault.effect),
    );
  }
  const lead = (priority: string, address: string, flow: string) => {
    const [protocol, match] = address.includes(':') ? ['ipv6', 'ip6'] : ['ip', 'ip'];
    return filter(
      'parent',
      '1:0',
      'protocol',
      protocol,
      'prio',
      priority,
      'u32',
      'match',
      match,
      'dst',
      address,
      'flowid',
      flow,
    );
  };
  for (const address of fault.sourcesToFilter) await lead(address.includes(':') ? '3' : '1', address, '1:3');
  for (const address of fault.sources) await lead(address.includes(':') ? '4' : '2', address, '1:1');
  const spread = (parent: string, handle: number) =>
    filter(
      'parent',
      parent,
      'handle',
      String(handle),
      'prio',
      '2',
      'protocol',
      'all',
      'flow',
      'hash',
      'keys',
      FLOW_KEYS,
      'divisor',
      String(CLASSES),
      'baseclass',
      `${parent}1`,
    );
  await spread('10:', 1);
  for (let leaf = 0; leaf < LEAF_QDISCS; leaf++) await spread(`${FIRST_LEAF + leaf}:`, leaf + 1);
}

/** Takes the whole tree away (TMDS-69). */
export async function stopFlowFault(link: string, { must }: FaultCommands): Promise<void> {
  await must('tc', 'qdisc', 'del', 'dev', link, 'parent', '1:1', 'handle', '10:');
  await must('tc', 'qdisc', 'del', 'dev', link, 'root', 'handle', '1:', 'prio');
}

function netemArguments(effect: FlowFault['effect']): readonly string[] {
  return 'lossPercent' in effect
    ? ['loss', `${effect.lossPercent}%`]
    : ['delay', `${effect.delayMs}ms`, `${effect.jitterMs}ms`];
}

/** tc writes and reads numbers of classes in hex. */
const hex = (value: number) => value.toString(16);
