import type { InterfaceCounters } from './sample.ts';

/** Bytes a second over the two newest samples. */
export interface NetworkRates {
  readonly rxBytesPerSecond: number;
  readonly txBytesPerSecond: number;
}

/** What of a sample is reported, with what only two samples together tell. */
export interface Measurement {
  /** Ms of a clock that never goes back. */
  readonly clock: number;
  /** Share of the whole instance, 0 to 100 (tcs.md §8); absent for the first sample. */
  readonly cpuPercent?: number;
  /** In use without cache of inactive files, bytes. */
  readonly memory: number;
  /** Read from and written to all block devices since the start, bytes. */
  readonly read: number;
  readonly written: number;
  /** Of all interfaces together. */
  readonly network?: InterfaceCounters;
  readonly rates?: NetworkRates;
}

const COUNTERS = [
  'rxBytes',
  'rxPackets',
  'rxErrors',
  'rxDropped',
  'txBytes',
  'txPackets',
  'txErrors',
  'txDropped',
] as const;
/** Members of a measurement in a row, and those of the network in one of their own; what is absent is NaN. */
const WIDTH = 5;
const NETWORK_WIDTH = COUNTERS.length + 2;

/**
 * The newest measurements of one container, as numbers in one piece of memory: as objects those of a hundred containers
 * would take 6 MB, and as each lives for more than a minute their garbage would be old.
 */
export class MeasurementRing {
  readonly #capacity: number;
  readonly #rows: Float64Array;
  #networks: Float64Array | undefined;
  /** All that were ever pushed. */
  #count = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#rows = new Float64Array(capacity * WIDTH);
  }

  /** How many are kept. */
  get length(): number {
    return Math.min(this.#count, this.#capacity);
  }

  /** Adds one; of more than the capacity the oldest goes. */
  push({ clock, cpuPercent = Number.NaN, memory, read, written, network, rates }: Measurement): void {
    const row = this.#count % this.#capacity;
    this.#count += 1;
    this.#rows.set([clock, cpuPercent, memory, read, written], row * WIDTH);
    if (network !== undefined)
      this.#networks ??= new Float64Array(this.#capacity * NETWORK_WIDTH).fill(Number.NaN);
    const counters = COUNTERS.map((name) => network?.[name] ?? Number.NaN);
    const { rxBytesPerSecond = Number.NaN, txBytesPerSecond = Number.NaN } = rates ?? {};
    this.#networks?.set([...counters, rxBytesPerSecond, txBytesPerSecond], row * NETWORK_WIDTH);
  }

  /** The newest `count`, oldest first. */
  newest(count: number): readonly Measurement[] {
    const taken = Math.min(count, this.length);
    return Array.from({ length: taken }, (_, index) => this.#at(this.#count - taken + index));
  }

  #at(number: number): Measurement {
    const row = number % this.#capacity;
    const value = (column: number) => this.#rows[row * WIDTH + column] ?? Number.NaN;
    const cpuPercent = value(1);
    return {
      clock: value(0),
      ...(!Number.isNaN(cpuPercent) && { cpuPercent }),
      memory: value(2),
      read: value(3),
      written: value(4),
      ...this.#networkAt(row),
    };
  }

  #networkAt(row: number): Pick<Measurement, 'network' | 'rates'> {
    const value = (column: number) => this.#networks?.[row * NETWORK_WIDTH + column] ?? Number.NaN;
    if (Number.isNaN(value(0))) return {};
    const network = Object.fromEntries(COUNTERS.map((name, column) => [name, value(column)])) as {
      [K in (typeof COUNTERS)[number]]: number;
    };
    const [rxBytesPerSecond, txBytesPerSecond] = [value(COUNTERS.length), value(COUNTERS.length + 1)];
    return {
      network,
      ...(!Number.isNaN(rxBytesPerSecond) && { rates: { rxBytesPerSecond, txBytesPerSecond } }),
    };
  }
}
