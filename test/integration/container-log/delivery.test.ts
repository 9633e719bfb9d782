import { describe, expect, test } from 'vitest';
import { readLogs } from '../../../src/container-log/read-logs.ts';
import { CloudWatchDouble } from '../../support/cloudwatch-logs.ts';
import { residentMiB } from '../../support/processes.ts';
import { isFullRun } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';
import { writePaced } from './numbered-lines.ts';

const SECONDS = isFullRun() ? 60 : 3;
const LINE_SECONDS = isFullRun() ? 30 : 2;
/** The time of both writers, and for what hung to arrive. */
const LIMIT_MS = SECONDS * 2_000 + 90_000;
/** Beside other tests a writer gets less of the processor than alone. */
const SLOWER = isFullRun() ? 1.1 : 2;
const write = (path: string) => writePaced(path, { seconds: SECONDS });

describe(`100,000 lines a second for ${LINE_SECONDS} s`, () => {
  test(
    'through json-file: the writer does not wait, and every line is kept, in order (LOG-38, LOG-108)',
    async () => {
      await using stage = await LogStage.open({ limitMs: LINE_SECONDS * 10_000 + 60_000 });
      const writing = { seconds: LINE_SECONDS };
      const nowhere = await writePaced('/dev/null', writing);
      const fifos = await stage.prepare('lines', { 'max-size': '100m', 'max-file': '100', compress: 'true' });
      const { lines, ms } = await writePaced(fifos.stdout, writing);
      const pid = await stage.servicePid();
      const peakMb = residentMiB(pid);
      await stage.finish(fifos.id);
      let number = 0;
      let wrong: string | undefined;
      for await (const { text } of readLogs({ dataDir: stage.dataDir, id: fifos.id })) {
        number += 1;
        if (wrong === undefined && !text.startsWith(`${number}.`)) wrong = `line ${number} is ${text}`;
      }
      console.log({ lines, ms, nowhereMs: nowhere.ms, peakMb });
      expect(wrong).toBeUndefined();
      expect(number).toBe(lines);
      expect(ms).toBeLessThan(SLOWER * nowhere.ms);
      expect(peakMb).toBeLessThan(130);
    },
    LINE_SECONDS * 10_000 + 60_000,
  );
});

describe(`10 MB/s for ${SECONDS} s`, () => {
  test(
    'non-blocking to a service that hangs: no wait, and what arrives and what is dropped are all (LOG-33, LOG-107, LOG-81)',
    async () => {
      await using cloud = await CloudWatchDouble.start();
      cloud.groups.set('g', new Set());
      cloud.fault = (operation) => (operation === 'PutLogEvents' ? { kind: 'hang' } : undefined);
      await using stage = await LogStage.open({ limitMs: LIMIT_MS });
      const options = {
        'awslogs-group': 'g',
        'awslogs-endpoint': cloud.url,
        'awslogs-force-flush-interval-seconds': '1',
        mode: 'non-blocking',
        'max-buffer-size': '4m',
      };
      const fifos = await stage.prepare('writer', options, { driver: 'awslogs' });
      const statistics = async () => (await stage.logs.statistics({ signal: stage.signal }))[fifos.id];
      const nowhere = await write('/dev/null');
      const { lines, ms } = await write(fifos.stdout);
      expect(ms).toBeLessThan(SLOWER * nowhere.ms);
      expect(residentMiB(await stage.servicePid())).toBeLessThan(130);
      await stage.finish(fifos.id);
      // It comes back: the call that hung is over, and what was kept arrives.
      cloud.fault = () => undefined;
      cloud.hangUp();
      await until(async () => (await statistics())?.backlogBytes === 0 && cloud.messages().length > 0, {
        what: 'what was kept arrives',
        timeoutMs: 40_000,
      });
      const dropped = (await statistics())?.dropped.ring.lines ?? 0;
      expect(dropped).toBeGreaterThan(0);
      await until(
        async () => cloud.messages().length + ((await statistics())?.dropped.ring.lines ?? 0) === lines,
        {
          what: 'received and dropped are all',
        },
      );
      expect(new Set(cloud.messages()).size).toBe(cloud.messages().length);
    },
    LIMIT_MS,
  );
});
