import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import type { ContainerStatistics } from './metadata/task-api/metadata-routes.ts';
import type { MetaKey } from './store/store.ts';
import { containerIdOf } from './task/ids.ts';
import type { TaskState } from './task/task-state.ts';
import { encodeKeptCounters, type KeptCounters, parseKeptCounters } from './telemetry/stats/kept-counters.ts';
import type { TaskMeasurements } from './telemetry/stats/metrics-requests.ts';
import { StatsSampler } from './telemetry/stats/stats-sampler.ts';
import { takeMeasurements, watchedContainers } from './telemetry/stats/watched-tasks.ts';

/** Docker's stream gives a sample a second (tcs.md §7). */
const SAMPLE_MS = 1000;

/** Where the store keeps counters of restarted containers. */
export const COUNTERS_KEY: MetaKey = 'restart-counters';

/** What the agent measures of its containers: shown to tasks, reported to ECS. */
export interface AgentStats {
  readonly statistics: ContainerStatistics;
  /** What the metrics cycle that is due says. */
  metricsCycle(): 'idle' | readonly TaskMeasurements[];
  start(): void;
  stop(): void;
}

export interface StatsParts {
  readonly cores: number;
  readonly logger: Logger;
  tasks(): readonly TaskState[];
  /** Counters of restarted containers that an earlier process kept, as it wrote them. */
  readonly keptCounters: string | undefined;
  /** Writes them down for a later process. */
  keepCounters(text: string): Promise<unknown>;
}

/** Made ready to measure, unless ECS_DISABLE_METRICS forbids it (TMDS-47, TCS-37). */
export function createStats(config: Config, parts: StatsParts): AgentStats {
  const { tasks, cores, logger } = parts;
  if (config.metricsDisabled)
    return {
      statistics: { latest: () => 'unwatched', networkRates: () => undefined },
      metricsCycle: () => 'idle',
      start: () => {},
      stop: () => {},
    };
  const sampler = new StatsSampler({
    watched: () => watchedContainers(tasks()),
    intervalMs: config.pollMetrics ? config.pollingMetricsWaitMs : SAMPLE_MS,
    cores,
    onTrouble: (error) => logger.warn({ err: error }, 'containers could not be measured'),
    kept: keptCounters(parts),
    onRunBegun: () => keep(),
  });
  let written = parts.keptCounters ?? NOTHING_KEPT;
  /** Once a report tells counters they are written down too: what is told never goes back (TMDS-48). */
  const keep = () => {
    const text = encodeKeptCounters(sampler.keptCounters());
    if (text === written) return;
    written = text;
    parts
      .keepCounters(text)
      .catch((error: unknown) => logger.warn({ err: error }, 'counters of containers could not be kept'));
  };
  return {
    statistics: {
      latest: ({ task, spec, state }) => {
        if (state.known !== 'RUNNING') return 'unwatched';
        return sampler.statsOf(containerIdOf(task.spec.arn, spec.name, state.generation)) ?? 'no sample yet';
      },
      networkRates: ({ task, spec, state }) => {
        const rates = sampler.ratesOf(containerIdOf(task.spec.arn, spec.name, state.generation));
        return (
          rates && { rx_bytes_per_sec: rates.rxBytesPerSecond, tx_bytes_per_sec: rates.txBytesPerSecond }
        );
      },
    },
    metricsCycle: () => {
      const watched = tasks();
      keep();
      return watchedContainers(watched).length === 0 ? 'idle' : takeMeasurements(watched, sampler);
    },
    start: () => sampler.start(),
    stop: () => {
      keep();
      sampler.stop();
    },
  };
}

const NOTHING_KEPT = encodeKeptCounters(new Map());

/** Counters begin anew where those that were kept cannot be read. */
function keptCounters({
  keptCounters = NOTHING_KEPT,
  logger,
}: StatsParts): ReadonlyMap<string, KeptCounters> {
  try {
    return parseKeptCounters(keptCounters);
  } catch (error) {
    logger.warn({ err: error }, 'kept counters of containers cannot be read and begin anew');
    return new Map();
  }
}
