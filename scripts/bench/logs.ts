import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { LogStage } from '../../test/integration/container-log/log-stage.ts';
import { CloudWatchDouble } from '../../test/support/cloudwatch-logs.ts';
import { startDockerd, type TestDockerd } from '../../test/support/dockerd.ts';
import { makeScratch, type Scratch } from '../../test/support/scratch.ts';
import { until } from '../../test/support/until.ts';
import { footprintOf } from './process-footprint.ts';
import type { Report } from './report.ts';

const MEGABYTES = 100;
const LINE = `${'x'.repeat(99)}\n`;
const ROUNDS = 3;
const CONTAINERS = 100;

/** One pass of the file through a log, to its end. */
interface Pass {
  readonly megabytesPerSecond: number;
  /** Processor time of who keeps the log, ms for each MB. */
  readonly cpuMsPerMegabyte: number;
}

type Contender = (round: number) => Promise<Pass>;

/** `npm run bench -- logs`: through json-file and awslogs, beside dockerd's json-file on the same host. */
export async function runBenchmark(): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  const scratch = parts.use(makeScratch());
  const file = scratch.path('lines');
  writeFileSync(file, LINE.repeat((MEGABYTES * 1e6) / LINE.length));
  const stage = parts.use(await LogStage.open());
  const cloud = parts.use(await CloudWatchDouble.start());
  // Checking signatures and limits costs the receiver more than the sender.
  cloud.keys = 'any';
  cloud.groups.set('g', new Set());
  const dockerd = parts.use(await startDockerd());
  await dockerd.load('busybox:1');
  const awslogs = { 'awslogs-group': 'g', 'awslogs-endpoint': cloud.url };
  const contenders: Readonly<Record<string, Contender>> = {
    'json-file': (round) => throughService(stage, file, `json-${round}`, 'json-file', {}),
    awslogs: async (round) => {
      const pass = await throughService(stage, file, `aws-${round}`, 'awslogs', awslogs);
      cloud.puts.length = 0;
      return pass;
    },
    'dockerd json-file': (round) => throughDockerd(dockerd, scratch, file, round),
  };
  const passes = new Map<string, Pass[]>(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, measure] of Object.entries(contenders)) {
      const pass = await measure(round);
      // The first warms up.
      if (round > 0) passes.get(name)?.push(pass);
    }
  return {
    benchmark: 'logs',
    title: `${MEGABYTES} MB of lines of 100 bytes, from the first write until all is kept or delivered`,
    rows: [
      ...[...passes].map(([name, all]) => ({
        name: `${name}, throughput`,
        unit: 'MB/s',
        better: 'more' as const,
        samples: all.map(({ megabytesPerSecond }) => megabytesPerSecond),
        ...(name.startsWith('dockerd') ? {} : { against: [{ row: 'dockerd json-file, throughput' }] }),
      })),
      ...[...passes].map(([name, all]) => ({
        name: `${name}, processor`,
        unit: 'ms/MB',
        samples: all.map(({ cpuMsPerMegabyte }) => cpuMsPerMegabyte),
        ...(name.startsWith('dockerd') ? {} : { against: [{ row: 'dockerd json-file, processor' }] }),
      })),
      { name: 'memory of a silent container', unit: 'KiB', samples: [await memoryPerContainer()] },
    ],
    notes: [
      'Processor time is that of the log service and of dockerd; shims, which copy from pipe to FIFO in both, are left out.',
      'dockerd reads from its shim, the log service from a process that writes as a shim does.',
    ],
  };
}

async function throughService(
  stage: LogStage,
  file: string,
  name: string,
  driver: string,
  options: Readonly<Record<string, string>>,
): Promise<Pass> {
  const fifos = await stage.prepare(name, options, { driver });
  const pid = await stage.servicePid();
  const cpu = cpuMs(pid);
  const start = performance.now();
  await stage.run(fifos, `busybox cat '${file}'`);
  await stage.finish(fifos.id);
  await until(
    async () => (await stage.logs.statistics({ signal: stage.signal }))[fifos.id]?.backlogBytes === 0,
    {
      what: 'all is delivered',
      timeoutMs: 60_000,
    },
  );
  const pass = passOf(start, cpuMs(pid) - cpu);
  await stage.logs.remove(fifos.id, { signal: stage.signal });
  return pass;
}

async function throughDockerd(
  dockerd: TestDockerd,
  scratch: Scratch,
  file: string,
  round: number,
): Promise<Pass> {
  const name = `bench-${round}`;
  const folder = scratch.path(name);
  mkdirSync(folder);
  execFileSync('ln', [file, `${folder}/lines`]);
  const script = 'while [ ! -e /d/go ]; do usleep 1000; done; cat /d/lines';
  await dockerd.docker(
    ...['run', '-d', '--name', name, '--network', 'none', '--log-driver', 'json-file'],
    ...['-v', `${folder}:/d`, 'busybox:1', 'sh', '-c', script],
  );
  const cpu = cpuMs(dockerd.pid);
  const start = performance.now();
  writeFileSync(`${folder}/go`, '');
  await dockerd.docker('wait', name);
  const pass = passOf(start, cpuMs(dockerd.pid) - cpu);
  await dockerd.docker('rm', '-f', name);
  rmSync(folder, { recursive: true });
  return pass;
}

function passOf(start: number, cpu: number): Pass {
  const seconds = (performance.now() - start) / 1000;
  return { megabytesPerSecond: MEGABYTES / seconds, cpuMsPerMegabyte: cpu / MEGABYTES };
}

/** What each of many containers that write nothing adds to the service's private memory. */
async function memoryPerContainer(): Promise<number> {
  await using stage = await LogStage.open();
  const pid = await stage.servicePid();
  const alone = footprintOf(pid).private;
  for (let index = 0; index < CONTAINERS; index++) await stage.prepare(`c${index}`);
  return ((footprintOf(pid).private - alone) * 1024) / CONTAINERS;
}

/** Processor time of a process and all its threads so far (proc(5), ticks of 10 ms). */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
