import { isIPv4, isIPv6 } from 'node:net';
import type { BlackholeFault, Fault, FaultKind, FaultName, FlowFault } from '../../task/fault.ts';

/** What the body of a request is wrong in; the text goes to the caller. */
export class FaultRequestError extends Error {
  override readonly name = 'FaultRequestError';
}

export type FaultOperation = 'start' | 'stop' | 'status';

/** What a caller wants done. */
export type FaultCall =
  | { readonly operation: 'start'; readonly fault: Fault }
  | { readonly operation: 'stop' | 'status'; readonly fault: FaultName };

/**
 * What a request asks for, parsed and checked in the order of metadata-endpoints.md §7.2. Of a flow fault's requests
 * only the start has a body. Throws `FaultRequestError`.
 */
export function parseFaultCall(kind: FaultKind, operation: FaultOperation, body: string): FaultCall {
  if (kind === 'network-blackhole-port') return { operation, fault: blackhole(Fields.parse(body, kind)) };
  if (operation !== 'start') return { operation, fault: { kind } };
  return { operation, fault: flowFault(kind, Fields.parse(body, kind)) };
}

function blackhole(fields: Fields): BlackholeFault {
  const port = fields.integer('Port', 'uint16');
  const protocol = fields.text('Protocol');
  const trafficType = fields.text('TrafficType');
  if (port === undefined) throw missing('Port');
  if (!protocol) throw missing('Protocol');
  if (!trafficType) throw missing('TrafficType');
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalid('Protocol', protocol);
  if (trafficType !== 'ingress' && trafficType !== 'egress') throw invalid('TrafficType', trafficType);
  const sourcesToFilter = fields.addresses('SourcesToFilter');
  return { kind: 'network-blackhole-port', port, protocol, trafficType, sourcesToFilter };
}

function flowFault(kind: FlowFault['kind'], fields: Fields): FlowFault {
  const effect = kind === 'network-latency' ? latency(fields) : loss(fields);
  const sources = fields.addresses('Sources');
  if (sources.length === 0) throw missing('Sources');
  const sourcesToFilter = fields.addresses('SourcesToFilter');
  const flowsPercent = fields.integer('FlowsPercent', 'int') ?? 100;
  if (flowsPercent < 1 || flowsPercent > 100) throw invalid('flowsPercent', flowsPercent);
  return { kind, effect, sources, sourcesToFilter, flowsPercent };
}

function latency(fields: Fields): FlowFault['effect'] {
  const delayMs = fields.integer('DelayMilliseconds', 'uint64');
  const jitterMs = fields.integer('JitterMilliseconds', 'uint64');
  if (delayMs === undefined) throw missing('DelayMilliseconds');
  if (jitterMs === undefined) throw missing('JitterMilliseconds');
  if (delayMs === 0 && jitterMs === 0)
    throw new FaultRequestError('required either DelayMilliseconds or JitterMilliseconds to be non-zero');
  return { delayMs, jitterMs };
}

function loss(fields: Fields): FlowFault['effect'] {
  const lossPercent = fields.integer('LossPercent', 'uint64');
  if (lossPercent === undefined) throw missing('LossPercent');
  if (lossPercent < 1 || lossPercent > 100) throw invalid('LossPercent', lossPercent);
  return { lossPercent };
}

const missing = (name: string) => new FaultRequestError(`required parameter ${name} is missing`);

const invalid = (name: string, value: string | number) =>
  new FaultRequestError(`invalid value ${value} for parameter ${name}`);

/** Names of Go's types, as its decoder gives them in its complaints. */
const GO_STRUCTS: Readonly<Record<FaultKind, string>> = {
  'network-blackhole-port': 'NetworkBlackholePortRequest',
  'network-latency': 'NetworkLatencyRequest',
  'network-packet-loss': 'NetworkPacketLossRequest',
};
const INTEGERS = {
  uint16: { min: 0, max: 0xffff },
  uint64: { min: 0, max: Number.MAX_SAFE_INTEGER },
  int: { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER },
} as const;
/** What a rule for each address must not make the kernel carry. */
const MAX_ADDRESSES = 256;

/** Members of a body by Go's rules: names without regard to case, null as absent, unknown ones passed over. */
class Fields {
  readonly #struct: string;
  readonly #values: ReadonlyMap<string, unknown>;

  private constructor(struct: string, values: ReadonlyMap<string, unknown>) {
    this.#struct = struct;
    this.#values = values;
  }

  static parse(body: string, kind: FaultKind): Fields {
    const struct = GO_STRUCTS[kind];
    if (body.trim() === '') throw new FaultRequestError('required request body is missing');
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch (error) {
      throw new FaultRequestError(error instanceof Error ? error.message : String(error));
    }
    if (typeof value !== 'object' || Array.isArray(value))
      throw new FaultRequestError(
        `json: cannot unmarshal ${goKind(value)} into Go value of type types.${struct}`,
      );
    const entries = Object.entries(value ?? {}).filter(([, member]) => member !== null);
    return new Fields(struct, new Map(entries.map(([name, member]) => [name.toLowerCase(), member])));
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name.toLowerCase());
    if (value === undefined || typeof value === 'string') return value;
    throw this.#mismatch(goKind(value), name, 'string');
  }

  integer(name: string, type: keyof typeof INTEGERS): number | undefined {
    const value = this.#values.get(name.toLowerCase());
    if (value === undefined) return undefined;
    if (typeof value !== 'number') throw this.#mismatch(goKind(value), name, type);
    const { min, max } = INTEGERS[type];
    if (!Number.isInteger(value) || value < min || value > max)
      throw this.#mismatch(`number ${value}`, name, type);
    return value;
  }

  /** IP addresses and prefixes; absent: none. */
  addresses(name: string): readonly string[] {
    const value = this.#values.get(name.toLowerCase()) ?? [];
    if (!Array.isArray(value)) throw this.#mismatch(goKind(value), name, '[]*string');
    if (value.length > MAX_ADDRESSES)
      throw invalid(name, `of ${value.length} addresses, more than ${MAX_ADDRESSES},`);
    return value.map((address: unknown) => {
      if (typeof address !== 'string') throw this.#mismatch(goKind(address), name, 'string');
      if (!isAddress(address)) throw invalid(name, address);
      return address;
    });
  }

  #mismatch(what: string, name: string, type: string): FaultRequestError {
    return new FaultRequestError(
      `json: cannot unmarshal ${what} into Go struct field ${this.#struct}.${name} of type ${type}`,
    );
  }
}

function goKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

function isAddress(text: string): boolean {
  const [address = '', length, ...rest] = text.split('/');
  if (rest.length > 0) return false;
  const bits = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : undefined;
  if (bits === undefined) return false;
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits);
}
