import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CloudWatchDouble } from '../../support/cloudwatch-logs.ts';
import { isFullRun } from '../../support/sample.ts';
import { until } from '../../support/until.ts';
import { LogStage } from './log-stage.ts';
import { writePaced } from './numbered-lines.ts';

const SECONDS = isFullRun() ? 60 : 3;
const write = (path: string) => writePaced(path, { seconds: SECONDS });

describe(`10 MB/s for ${SECONDS} s`, () => {
  test(
    'non-blocking to a service that hangs: no wait, and what arrives and what is dropped are all (LOG-33, LOG-107, LOG-81)',
    async () => {
      await using cloud = await CloudWatchDouble.start();
      cloud.groups.set('g', new Set());
      cloud.fault = (operation) => (operation === 'PutLogEvents' ? { kind: 'hang' } : undefined);
      await using stage = await LogStage.open();
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
      expect(ms).toBeLessThan(1.1 * nowhere.ms);
      expect(residentMb(await stage.servicePid())).toBeLessThan(130);
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
    SECONDS * 2_000 + 90_000,
  );
});

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb) / 1024;
}
