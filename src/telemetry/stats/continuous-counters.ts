import type { CpuCounters, InterfaceCounters, Sample } from './sample.ts';

/** The part of a sample that only grows. */
export type Counters = Pick<Sample, 'cpu' | 'read' | 'written' | 'networks'>;

/**
 * Lets the counters of a container that is started again in place go on from where they were: its cgroup, and with
 * some runtimes its interfaces, begin at 0 each time (tcs.md §7, TMDS-48).
 */
export class ContinuousCounters {
  #latest: Counters | undefined;
  #base: Counters | undefined;

  /** Goes on from what was kept by an earlier process. */
  constructor(kept: { readonly latest?: Counters; readonly base?: Counters } = {}) {
    this.#latest = kept.latest;
    this.#base = kept.base;
  }

  /** What a later process needs to go on; undefined before the first sample. */
  get kept(): { readonly latest: Counters; readonly base?: Counters } | undefined {
    if (this.#latest === undefined) return undefined;
    return { latest: this.#latest, ...(this.#base !== undefined && { base: this.#base }) };
  }

  /** The next samples are of another run. */
  beginAnew(): void {
    this.#base = this.#latest;
  }

  /** The sample with the counts of earlier runs in it. */
  continue(sample: Sample): Sample {
    const whole = this.#base === undefined ? sample : added(sample, this.#base);
    const { cpu, read, written, networks } = whole;
    this.#latest = { cpu, read, written, ...(networks !== undefined && { networks }) };
    return whole;
  }
}

function added(sample: Sample, base: Counters): Sample {
  return {
    ...sample,
    cpu: addedCpu(sample.cpu, base.cpu),
    read: sample.read + base.read,
    written: sample.written + base.written,
    ...(sample.networks !== undefined && { networks: addedNetworks(sample.networks, base.networks) }),
  };
}

function addedCpu(now: CpuCounters, base: CpuCounters): CpuCounters {
  return {
    total: now.total + base.total,
    kernel: now.kernel + base.kernel,
    user: now.user + base.user,
    ...(now.perCpu !== undefined && {
      perCpu: now.perCpu.map((value, index) => value + (base.perCpu?.[index] ?? 0)),
    }),
    periods: now.periods + base.periods,
    throttledPeriods: now.throttledPeriods + base.throttledPeriods,
    throttledTime: now.throttledTime + base.throttledTime,
  };
}

/** An interface that outlived the restart has gone on counting by itself. */
function addedNetworks(
  now: ReadonlyMap<string, InterfaceCounters>,
  base: Counters['networks'],
): ReadonlyMap<string, InterfaceCounters> {
  return new Map(
    [...now].map(([name, counters]) => {
      const before = base?.get(name);
      const goesOn =
        before === undefined ||
        counters.rxPackets + counters.txPackets >= before.rxPackets + before.txPackets;
      return [name, goesOn ? counters : addedCounters(counters, before)];
    }),
  );
}

function addedCounters(now: InterfaceCounters, base: InterfaceCounters): InterfaceCounters {
  return {
    rxBytes: now.rxBytes + base.rxBytes,
    rxPackets: now.rxPackets + base.rxPackets,
    rxErrors: now.rxErrors + base.rxErrors,
    rxDropped: now.rxDropped + base.rxDropped,
    txBytes: now.txBytes + base.txBytes,
    txPackets: now.txPackets + base.txPackets,
    txErrors: now.txErrors + base.txErrors,
    txDropped: now.txDropped + base.txDropped,
  };
}
