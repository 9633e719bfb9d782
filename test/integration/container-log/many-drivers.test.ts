import { describe, expect, test } from 'vitest';
import { CloudWatchDouble } from '../../support/cloudwatch-logs.ts';
import { ForwardServer } from '../../support/forward-server.ts';
import { LineServer } from '../../support/line-server.ts';
import { residentMiB } from '../../support/processes.ts';
import { isFullRun } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { endOf, LogStage } from './log-stage.ts';

const CONTAINERS = isFullRun() ? 200 : 40;
const LINES = isFullRun() ? 20_000 : 4_000;
/** With what is kept for destinations that hang, a quarter of a MiB each. */
const MAX_RESIDENT_MB = isFullRun() ? 240 : 180;

describe(`${CONTAINERS} containers of four drivers, half of them with a destination that hangs`, () => {
  test('stay within bounded memory while all write at full speed, and what has a destination arrives (LOG-81)', async () => {
    await using stage = await LogStage.open({ limitMs: 400_000 });
    await using cloud = await CloudWatchDouble.start();
    await using forward = await ForwardServer.start();
    await using lines = await LineServer.start();
    await using hangingCloud = await CloudWatchDouble.start();
    await using hangingForward = await ForwardServer.start();
    await using hangingLines = await LineServer.start();
    for (const one of [cloud, hangingCloud]) {
      one.keys = 'any';
      one.groups.set('g', new Set());
    }
    hangingCloud.fault = (operation) => (operation === 'PutLogEvents' ? { kind: 'hang' } : undefined);
    hangingForward.stall(true);
    hangingLines.stall(true);
    const counts = { awslogs: 0, fluentd: 0, syslog: 0 };
    const drain = () => {
      for (const { events } of cloud.puts.splice(0)) counts.awslogs += events.length;
      counts.fluentd += forward.messages.splice(0).length;
      counts.syslog += lines.lines.splice(0).length;
    };
    const optionsOf = (driver: string, hangs: boolean): Readonly<Record<string, string>> => {
      const mode = hangs ? { mode: 'non-blocking', 'max-buffer-size': '256k' } : {};
      switch (driver) {
        case 'awslogs':
          return {
            ...mode,
            'awslogs-group': 'g',
            'awslogs-endpoint': (hangs ? hangingCloud : cloud).url,
            'awslogs-force-flush-interval-seconds': '1',
          };
        case 'fluentd':
          return {
            ...mode,
            'fluentd-address': `127.0.0.1:${(hangs ? hangingForward : forward).port}`,
            ...(!hangs && { 'fluentd-request-ack': 'true' }),
          };
        case 'syslog':
          return { ...mode, 'syslog-address': `tcp://127.0.0.1:${(hangs ? hangingLines : lines).port}` };
        default:
          return { 'max-size': '100k', 'max-file': '2' };
      }
    };
    const drivers = ['json-file', 'awslogs', 'fluentd', 'syslog'];
    const containers = [];
    for (let index = 0; index < CONTAINERS; index++) {
      const driver = drivers[index % drivers.length] ?? '';
      const hangs = index % (2 * drivers.length) >= drivers.length;
      containers.push(await stage.prepare(`c${index}`, optionsOf(driver, hangs), { driver }));
    }
    const pid = await stage.servicePid();
    const idleMb = residentMiB(pid);
    let peakMb = 0;
    const busy = Promise.all(containers.map((fifos) => endOf(stage.write(fifos, `busybox seq 1 ${LINES}`))));
    const expected = Math.ceil(CONTAINERS / (2 * drivers.length)) * LINES;
    const isAll = () => Object.values(counts).every((count) => count >= expected);
    await until(
      () => {
        drain();
        peakMb = Math.max(peakMb, residentMiB(pid));
        return isAll();
      },
      { what: 'all that can arrive has', timeoutMs: 300_000, intervalMs: 50 },
    );
    await busy;
    console.log('log service', { idleMb, peakMb, counts });
    expect(counts).toEqual({ awslogs: expected, fluentd: expected, syslog: expected });
    expect(peakMb).toBeLessThan(MAX_RESIDENT_MB);
  }, 400_000);
});
