import { type InterfaceCounters, networkTotals, type Sample } from './sample.ts';

/** Bytes a second over the two newest samples. */
export interface NetworkRates {
  readonly rxBytesPerSecond: number;
  readonly txBytesPerSecond: number;
}

/** A sample with what only two samples together tell. */
export interface Measurement {
  readonly sample: Sample;
  readonly network: InterfaceCounters | undefined;
  /** Share of the whole instance, 0 to 100 (tcs.md §8); absent for the first sample. */
  readonly cpuPercent?: number;
  readonly rates?: NetworkRates;
}

/** The newest samples of one container, and which of them have been reported. */
export class ContainerHistory {
  readonly #capacity: number;
  readonly #cores: number;
  readonly #measurements: Measurement[] = [];
  #unsent = 0;

  /** `cores` is how many processors make 100 per cent. */
  constructor(capacity: number, cores: number) {
    this.#capacity = capacity;
    this.#cores = cores;
  }

  add(sample: Sample): void {
    const before = this.#measurements.at(-1);
    const network = networkTotals(sample);
    this.#measurements.push({
      sample,
      network,
      ...(before !== undefined && this.#between(before, sample, network)),
    });
    this.#unsent += 1;
    if (this.#measurements.length > this.#capacity) this.#measurements.shift();
    this.#unsent = Math.min(this.#unsent, this.#measurements.length);
  }

  get newest(): Measurement | undefined {
    return this.#measurements.at(-1);
  }

  /** The newest sample that is at least that old; the oldest where none is. */
  before(clock: number, ageMs: number): Sample | undefined {
    const old = this.#measurements.findLast(({ sample }) => clock - sample.clock >= ageMs);
    return (old ?? this.#measurements[0])?.sample;
  }

  /** Samples that no report holds; undefined while there are too few for any (TCS-22). */
  unsent(): readonly Measurement[] | undefined {
    if (this.#measurements.length < 2 || this.#unsent === 0) return undefined;
    return this.#measurements.slice(-this.#unsent);
  }

  markSent(): void {
    this.#unsent = 0;
  }

  /** Two samples at one moment tell nothing new: what was true before is taken over. */
  #between(
    before: Measurement,
    sample: Sample,
    network: InterfaceCounters | undefined,
  ): Partial<Measurement> {
    const ms = sample.clock - before.sample.clock;
    if (ms <= 0)
      return {
        ...(before.cpuPercent !== undefined && { cpuPercent: before.cpuPercent }),
        ...(before.rates !== undefined && { rates: before.rates }),
      };
    const perCore = (one: Sample) => Math.floor(one.cpu.total / this.#cores);
    const cpuPercent = (100 * Math.max(0, perCore(sample) - perCore(before.sample))) / (ms * 1e6);
    const perSecond = (pick: (one: InterfaceCounters) => number) =>
      network === undefined || before.network === undefined
        ? 0
        : (1000 * Math.max(0, pick(network) - pick(before.network))) / ms;
    const rates = network !== undefined &&
      before.network !== undefined && {
        rates: {
          rxBytesPerSecond: perSecond((one) => one.rxBytes),
          txBytesPerSecond: perSecond((one) => one.txBytes),
        },
      };
    return { cpuPercent, ...rates };
  }
}
