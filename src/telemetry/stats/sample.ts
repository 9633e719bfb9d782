/** Processor time of a container and, at the same moment, of the host; times in ns (metadata-endpoints.md §5.3). */
export interface CpuCounters {
  readonly total: number;
  readonly kernel: number;
  readonly user: number;
  /** By processor; cgroup v2 does not tell. */
  readonly perCpu?: readonly number[];
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledTime: number;
}

/** Processor time of the whole host in ns, and how many processors are online. */
export interface HostCpu {
  readonly system: number;
  readonly online: number;
}

/** Counters of one network interface, or of several together. */
export interface InterfaceCounters {
  readonly rxBytes: number;
  readonly rxPackets: number;
  readonly rxErrors: number;
  readonly rxDropped: number;
  readonly txBytes: number;
  readonly txPackets: number;
  readonly txErrors: number;
  readonly txDropped: number;
}

/** What is measured of a container each second. Counters are since its start. */
export interface Sample {
  /** Epoch ms. */
  readonly at: number;
  /** Ms of a clock that never goes back: differences are taken of this. */
  readonly clock: number;
  readonly cpu: CpuCounters;
  readonly host: HostCpu;
  /** In use without cache of inactive files, bytes (tcs.md §8). */
  readonly memory: number;
  /** Read from and written to all block devices, bytes. */
  readonly read: number;
  readonly written: number;
  /** By interface; absent where the container has none of its own. */
  readonly networks?: ReadonlyMap<string, InterfaceCounters>;
}

/** Sum over all interfaces; undefined where there are none. */
export function networkTotals({ networks }: Sample): InterfaceCounters | undefined {
  if (networks === undefined || networks.size === 0) return undefined;
  const all = [...networks.values()];
  const sum = (pick: (one: InterfaceCounters) => number) => all.reduce((total, one) => total + pick(one), 0);
  return {
    rxBytes: sum((one) => one.rxBytes),
    rxPackets: sum((one) => one.rxPackets),
    rxErrors: sum((one) => one.rxErrors),
    rxDropped: sum((one) => one.rxDropped),
    txBytes: sum((one) => one.txBytes),
    txPackets: sum((one) => one.txPackets),
    txErrors: sum((one) => one.txErrors),
    txDropped: sum((one) => one.txDropped),
  };
}
