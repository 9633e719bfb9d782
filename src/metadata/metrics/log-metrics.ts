import type { LogTotals } from '../../container-log/container-logs.ts';
import { Counter, gauge, type Labels, type Metric, type MetricHead } from './exposition.ts';

type Totals = Readonly<Record<string, LogTotals>>;

/** Containers' logs by driver (logging.md §25). */
export function logMetrics(totals: Totals): readonly Metric[] {
  return [
    counter(
      { name: 'ecs_agent_log_read_bytes_total', help: 'Bytes read from containers.' },
      byDriver(totals, ({ bytesRead }) => bytesRead),
    ),
    counter(
      { name: 'ecs_agent_log_delivered_bytes_total', help: 'Bytes of lines that are at their destination.' },
      byDriver(totals, ({ bytesDelivered }) => bytesDelivered),
    ),
    counter(
      { name: 'ecs_agent_log_delivered_lines_total', help: 'Lines that are at their destination.' },
      byDriver(totals, ({ linesDelivered }) => linesDelivered),
    ),
    counter(
      { name: 'ecs_agent_log_dropped_lines_total', help: 'Lines that were dropped, by reason.' },
      byReason(totals, 'lines'),
    ),
    counter(
      { name: 'ecs_agent_log_dropped_bytes_total', help: 'Bytes that were dropped, by reason.' },
      byReason(totals, 'bytes'),
    ),
    counter(
      { name: 'ecs_agent_log_retries_total', help: 'Batches that had to be sent again.' },
      byDriver(totals, ({ retries }) => retries),
    ),
    counter(
      {
        name: 'ecs_agent_log_blocked_seconds_total',
        help: 'How long containers waited for their logs, added up.',
      },
      byDriver(totals, ({ blockedMs }) => blockedMs / 1000),
    ),
    gauge(
      { name: 'ecs_agent_log_spool_bytes', help: 'Bytes read and not yet delivered.' },
      byDriver(totals, ({ backlogBytes }) => backlogBytes),
    ),
    gauge(
      { name: 'ecs_agent_log_containers', help: 'Containers whose logs are kept or delivered.' },
      byDriver(totals, ({ containers }) => containers),
    ),
  ];
}

type Values = readonly (readonly [Labels, number])[];

function byDriver(totals: Totals, amountOf: (one: LogTotals) => number): Values {
  return Object.entries(totals).map(([driver, one]) => [{ driver }, amountOf(one)]);
}

function byReason(totals: Totals, unit: 'lines' | 'bytes'): Values {
  return Object.entries(totals).flatMap(([driver, { dropped }]) =>
    Object.entries(dropped).map(([reason, count]) => [{ driver, reason }, count[unit]] as const),
  );
}

function counter(head: MetricHead, values: Values): Metric {
  const metric = new Counter(head);
  for (const [labels, value] of values) metric.add(labels, value);
  return metric;
}
