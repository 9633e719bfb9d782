import { type Clock, systemClock } from '../../async/clock.ts';
import type { CgroupReader } from './cgroup-reader.ts';
import { ContainerHistory } from './container-history.ts';
import { ContinuousCounters } from './continuous-counters.ts';
import { dockerStats } from './docker-stats.ts';
import { type CgroupRoots, findCgroupRoots, openCgroupReader } from './find-cgroups.ts';
import type { KeptCounters } from './kept-counters.ts';
import { KernelFiles } from './kernel-file.ts';
import type { Measurement, NetworkRates } from './measurement-ring.ts';
import { parseHostCpu, parseInterfaces, parseMemTotal } from './proc-files.ts';
import type { HostCpu, Sample } from './sample.ts';

/** A running container that is to be measured. */
export interface WatchedContainer {
  /** Runtime id. */
  readonly id: string;
  readonly name: string;
  readonly pid: number;
  /** False in the modes host and none: its namespace's interfaces are not its own (TCS-49). */
  readonly hasInterfaces: boolean;
  /** Starts by its restart policy so far; absent: it has none. */
  readonly restarts?: number;
}

/** What the next report says of a container. */
export interface Unsent {
  readonly measurements: readonly Measurement[];
  /** Restarts since the last report; absent without a restart policy. */
  readonly restarts?: number;
}

export interface StatsSamplerOptions {
  /** What is to be measured now. */
  watched(): Iterable<WatchedContainer>;
  /** Ms between samples. */
  readonly intervalMs: number;
  /** Processors of the instance. */
  readonly cores: number;
  onTrouble(error: unknown): void;
  /** Counters that an earlier process kept, by runtime id. */
  readonly kept?: ReadonlyMap<string, KeptCounters>;
  /** Another run of a container has begun: what is to be kept has changed for good. */
  onRunBegun?(): void;
  readonly clock?: Clock;
  /** Ms of a clock that never goes back. */
  readonly monotonic?: () => number;
  readonly files?: KernelFiles;
  readonly roots?: CgroupRoots;
}

/** Samples of this long are kept: four cycles of TCS (tcs.md §7). */
const KEPT_MS = 80_000;
/** What two samples that are shown together are apart at least, as a share of the interval. */
const APART = 0.9;

/** What is kept of a container over the runs that its restart policy begins. */
interface Watch {
  readonly container: WatchedContainer;
  readonly reader: CgroupReader;
  readonly history: ContainerHistory;
  readonly counters: ContinuousCounters;
  readonly reportedRestarts: number;
}

/**
 * Measures running containers straight from the kernel's files, all of them in one round, with neither daemon nor
 * runtime in between. A container is watched from the first round after its start until it is no longer running.
 */
export class StatsSampler {
  readonly #options: StatsSamplerOptions;
  readonly #clock: Clock;
  readonly #monotonic: () => number;
  readonly #files: KernelFiles;
  readonly #roots: CgroupRoots;
  readonly #watches = new Map<string, Watch>();
  #cancel: () => void = () => {};

  constructor(options: StatsSamplerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#monotonic = options.monotonic ?? (() => performance.now());
    this.#files = options.files ?? new KernelFiles();
    this.#roots = options.roots ?? findCgroupRoots();
  }

  start(): void {
    this.#cancel = this.#clock.after(this.#options.intervalMs, () => this.start());
    try {
      this.round();
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }

  stop(): void {
    this.#cancel();
    for (const { reader } of this.#watches.values()) reader.close();
    this.#watches.clear();
  }

  /** Takes one sample of everything. */
  round(): void {
    const gone = new Set(this.#watches.keys());
    const host = this.#hostCpu();
    for (const container of this.#options.watched()) {
      gone.delete(container.id);
      const watch = this.#watch(container);
      const sample = watch && this.#measure(watch, host);
      if (sample !== undefined) watch?.history.add(sample);
    }
    for (const id of gone) this.#forget(id);
  }

  /** In Docker's form; undefined: it is not watched, null: there is no sample yet (metadata-endpoints.md §5.1). */
  statsOf(id: string): object | null | undefined {
    const watch = this.#watches.get(id);
    if (watch === undefined) return undefined;
    const now = watch.history.newest === undefined ? undefined : this.#measure(watch, this.#hostCpu());
    const details = now && watch.reader.details();
    if (now === undefined || details === undefined) return null;
    const before = watch.history.before(now.clock, this.#options.intervalMs * APART);
    return dockerStats({
      name: watch.container.name,
      id,
      now,
      ...(before !== undefined && { before }),
      details,
      hostMemory: parseMemTotal(this.#files.read('/proc/meminfo') ?? ''),
    });
  }

  ratesOf(id: string): NetworkRates | undefined {
    return this.#watches.get(id)?.history.newest?.rates;
  }

  /** What is to be kept of containers with a restart policy, for a process that comes after this one. */
  keptCounters(): ReadonlyMap<string, KeptCounters> {
    const all = new Map<string, KeptCounters>();
    for (const [id, { container, counters }] of this.#watches)
      if (container.restarts !== undefined && counters.kept !== undefined)
        all.set(id, { pid: container.pid, ...counters.kept });
    return all;
  }

  /** Samples that no report holds yet, marked as reported; undefined: too few. */
  takeUnsent(id: string): Unsent | undefined {
    const watch = this.#watches.get(id);
    const measurements = watch?.history.unsent();
    if (watch === undefined || measurements === undefined) return undefined;
    watch.history.markSent();
    const { restarts } = watch.container;
    if (restarts === undefined) return { measurements };
    this.#watches.set(id, { ...watch, reportedRestarts: restarts });
    return { measurements, restarts: Math.max(0, restarts - watch.reportedRestarts) };
  }

  #watch(container: WatchedContainer): Watch | undefined {
    const known = this.#watches.get(container.id);
    if (known?.container.pid === container.pid) return known;
    const reader = openCgroupReader(this.#roots, container, this.#files);
    if (reader === undefined) return undefined;
    known?.reader.close();
    const counters = known?.counters ?? new ContinuousCounters(this.#options.kept?.get(container.id));
    const former = known?.container.pid ?? this.#options.kept?.get(container.id)?.pid;
    const hasRunBefore = former !== undefined && former !== container.pid;
    if (hasRunBefore) counters.beginAnew();
    const { intervalMs, cores } = this.#options;
    const watch = {
      history: new ContainerHistory(Math.max(2, Math.floor(KEPT_MS / intervalMs)), cores),
      reportedRestarts: container.restarts ?? 0,
      ...known,
      counters,
      container,
      reader,
    };
    this.#watches.set(container.id, watch);
    if (hasRunBefore) this.#options.onRunBegun?.();
    return watch;
  }

  #forget(id: string): void {
    this.#watches.get(id)?.reader.close();
    this.#watches.delete(id);
  }

  #measure({ container, reader, counters }: Watch, host: HostCpu): Sample | undefined {
    const cgroups = reader.sample();
    if (cgroups === undefined) return undefined;
    // Not held open: the file would keep the network namespace, and with it a task's interface.
    const dev = container.hasInterfaces ? this.#files.read(`/proc/${container.pid}/net/dev`) : undefined;
    return counters.continue({
      at: this.#clock.now(),
      clock: this.#monotonic(),
      host,
      ...cgroups,
      ...(dev !== undefined && { networks: parseInterfaces(dev) }),
    });
  }

  #hostCpu(): HostCpu {
    return parseHostCpu(this.#files.read('/proc/stat') ?? '');
  }
}
