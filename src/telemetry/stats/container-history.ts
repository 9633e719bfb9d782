import { type Measurement, MeasurementRing, type NetworkRates } from './measurement-ring.ts';
import { type InterfaceCounters, networkTotals, type Sample } from './sample.ts';

/** Whole samples that are kept, for what is shown as of now and of one interval before. */
const WHOLE = 3;

/** The newest measurements of one container, and which of them have been reported. */
export class ContainerHistory {
  readonly #cores: number;
  readonly #ring: MeasurementRing;
  #samples: readonly Sample[] = [];
  #newest: Measurement | undefined;
  #unsent = 0;

  /** `cores` is how many processors make 100 per cent. */
  constructor(capacity: number, cores: number) {
    this.#cores = cores;
    this.#ring = new MeasurementRing(capacity);
  }

  add(sample: Sample): void {
    const network = networkTotals(sample);
    const { clock, memory, read, written } = sample;
    this.#newest = {
      clock,
      memory,
      read,
      written,
      ...(network !== undefined && { network }),
      ...this.#sinceNewest(sample, network),
    };
    this.#samples = [...this.#samples.slice(1 - WHOLE), sample];
    this.#ring.push(this.#newest);
    this.#unsent = Math.min(this.#unsent + 1, this.#ring.length);
  }

  get newest(): Measurement | undefined {
    return this.#newest;
  }

  /** The newest sample that is at least that old; the oldest of the last few where none is. */
  before(clock: number, ageMs: number): Sample | undefined {
    return this.#samples.findLast((sample) => clock - sample.clock >= ageMs) ?? this.#samples[0];
  }

  /** Measurements that no report holds; undefined while there are too few for any (TCS-22). */
  unsent(): readonly Measurement[] | undefined {
    if (this.#ring.length < 2 || this.#unsent === 0) return undefined;
    return this.#ring.newest(this.#unsent);
  }

  markSent(): void {
    this.#unsent = 0;
  }

  /** Two samples at one moment tell nothing new: what was true before is taken over. */
  #sinceNewest(
    sample: Sample,
    network: InterfaceCounters | undefined,
  ): { readonly cpuPercent?: number; readonly rates?: NetworkRates } {
    const [before, measured] = [this.#samples.at(-1), this.#newest];
    if (before === undefined || measured === undefined) return {};
    const ms = sample.clock - before.clock;
    if (ms <= 0)
      return {
        ...(measured.cpuPercent !== undefined && { cpuPercent: measured.cpuPercent }),
        ...(measured.rates !== undefined && { rates: measured.rates }),
      };
    const perCore = (one: Sample) => Math.floor(one.cpu.total / this.#cores);
    const cpuPercent = (100 * Math.max(0, perCore(sample) - perCore(before))) / (ms * 1e6);
    if (network === undefined || measured.network === undefined) return { cpuPercent };
    const { rxBytes, txBytes } = measured.network;
    const perSecond = (now: number, then: number) => (1000 * Math.max(0, now - then)) / ms;
    return {
      cpuPercent,
      rates: {
        rxBytesPerSecond: perSecond(network.rxBytes, rxBytes),
        txBytesPerSecond: perSecond(network.txBytes, txBytes),
      },
    };
  }
}
