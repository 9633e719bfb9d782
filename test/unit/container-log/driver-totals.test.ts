import { expect, test } from 'vitest';
import { DriverTotals } from '../../../src/container-log/service/driver-totals.ts';
import { LogCounters } from '../../../src/container-log/service/log-counters.ts';

function log(driver: string, lines: number, ended = false) {
  const counters = new LogCounters(() => {});
  counters.linesDelivered = lines;
  counters.bytesRead = 10 * lines;
  counters.drop('ring', lines, 0);
  counters.close();
  return { config: { driver }, ended, statistics: () => counters.statistics(7) };
}

test('totals of a driver are those of its containers, with those that are gone (LOG-82)', () => {
  const totals = new DriverTotals();
  totals.add(log('awslogs', 5));
  totals.add(log('awslogs', 6));
  const { awslogs, syslog } = totals.with([log('awslogs', 1), log('awslogs', 2, true), log('syslog', 3)]);
  expect(awslogs).toMatchObject({ linesDelivered: 14, bytesRead: 140, containers: 1 });
  expect(awslogs?.dropped.ring).toEqual({ lines: 14, bytes: 0 });
  // What waits for a destination goes with its container.
  expect(awslogs?.backlogBytes).toBe(14);
  expect(syslog).toMatchObject({ linesDelivered: 3, containers: 1, backlogBytes: 7 });
  expect(totals.with([]).awslogs).toMatchObject({ linesDelivered: 11, containers: 0, backlogBytes: 0 });
});
