import type { Logger } from 'pino';
import type { Config } from './config/config.ts';
import type { ContainerStatistics } from './metadata/task-api/metadata-routes.ts';
import { containerIdOf } from './task/ids.ts';
import type { TaskState } from './task/task-state.ts';
import type { TaskMeasurements } from './telemetry/stats/metrics-requests.ts';
import { StatsSampler } from './telemetry/stats/stats-sampler.ts';
import { takeMeasurements, watchedContainers } from './telemetry/stats/watched-tasks.ts';

/** Docker's stream gives a sample a second (tcs.md §7). */
const SAMPLE_MS = 1000;

/** What the agent measures of its containers: shown to tasks, reported to ECS. */
export interface AgentStats {
  readonly statistics: ContainerStatistics;
  /** What the metrics cycle that is due says. */
  metricsCycle(): 'idle' | readonly TaskMeasurements[];
  start(): void;
  stop(): void;
}

/** Made ready to measure, unless ECS_DISABLE_METRICS forbids it (TMDS-47, TCS-37). */
export function createStats(
  config: Config,
  parts: { readonly cores: number; readonly logger: Logger; tasks(): readonly TaskState[] },
): AgentStats {
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
  });
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
      return watchedContainers(watched).length === 0 ? 'idle' : takeMeasurements(watched, sampler);
    },
    start: () => sampler.start(),
    stop: () => sampler.stop(),
  };
}
