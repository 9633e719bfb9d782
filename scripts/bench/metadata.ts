import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { findCgroupRoots } from '../../src/telemetry/stats/find-cgroups.ts';
import { StatsSampler, type WatchedContainer } from '../../src/telemetry/stats/stats-sampler.ts';
import { startDockerd, type TestDockerd } from '../../test/support/dockerd.ts';
import type { BenchmarkOptions } from '../bench.ts';
import type { Report, Row } from './report.ts';

const TASKS = 50;
const RATE = 1000;
const SECONDS = 5;
/** Connections that ask as fast as they are answered. */
const EAGER = 32;
/** Containers of a round of statistics, and how many of them are real: each is read several times. */
const CONTAINERS = 100;
const REAL_CONTAINERS = 10;
const STATS_ROUNDS = 5;
const TICKS_A_SECOND = 100;

/** `npm run bench -- metadata`: what answers tasks, beside a bare HTTP server; and what statistics cost. */
export async function runBenchmark({ rounds = 3 }: BenchmarkOptions = {}): Promise<Report> {
  const [requests, statistics] = [await measureRequests(rounds), await measureStatistics()];
  return {
    benchmark: 'metadata',
    title: `Task metadata of ${TASKS} tasks, asked from another process; statistics of ${CONTAINERS} containers`,
    rows: [...requests, ...statistics],
    notes: [
      `Latencies are at ${RATE} requests a second for ${SECONDS} s. The floor is a node:http server that answers the same`,
      `bytes. ${REAL_CONTAINERS} containers are read ${CONTAINERS / REAL_CONTAINERS} times each; dockerd's time is of the daemon alone.`,
    ],
  };
}

async function measureRequests(rounds: number): Promise<readonly Row[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'metadata-server.ts'), String(TASKS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    const [line = '{}'] = await firstLine(child.stdout);
    const { api, bare, paths } = JSON.parse(line) as {
      readonly api: number;
      readonly bare: number;
      readonly paths: readonly string[];
    };
    const found = { api: new Samples(), bare: new Samples() };
    for (let round = 0; round <= rounds; round += 1)
      for (const [name, port] of [
        ['api', api],
        ['bare', bare],
      ] as const) {
        const latencies = await askAtRate(port, paths);
        const throughput = await askEagerly(port, paths);
        // The first round warms both up.
        if (round > 0) found[name].add(latencies, throughput);
      }
    return [
      row('task metadata, p50', 'ms', found.api.p50, { against: 'bare HTTP, p50' }),
      row('task metadata, p99', 'ms', found.api.p99, { against: 'bare HTTP, p99', aim: 5 }),
      row('task metadata, most', 'requests/s', found.api.most, {
        against: 'bare HTTP, most',
        better: 'more',
      }),
      row('bare HTTP, p50', 'ms', found.bare.p50),
      row('bare HTTP, p99', 'ms', found.bare.p99),
      row('bare HTTP, most', 'requests/s', found.bare.most, { better: 'more' }),
    ];
  } finally {
    child.stdin.end();
  }
}

class Samples {
  readonly p50: number[] = [];
  readonly p99: number[] = [];
  readonly most: number[] = [];

  add(latencies: readonly number[], throughput: number): void {
    const sorted = latencies.toSorted((a, b) => a - b);
    this.p50.push(sorted[Math.floor(sorted.length * 0.5)] ?? Number.NaN);
    this.p99.push(sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN);
    this.most.push(throughput);
  }
}

/** Requests begin on a clock of their own, whether or not earlier ones are answered; gives the latencies, ms. */
async function askAtRate(port: number, paths: readonly string[]): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const latencies: Promise<number>[] = [];
  const begun = performance.now();
  for (let n = 0; n < RATE * SECONDS; n += 1) {
    const due = begun + (n * 1000) / RATE;
    const early = due - performance.now();
    if (early > 0) await delay(early);
    latencies.push(ask(agent, port, paths[n % paths.length] ?? '/', due));
  }
  const all = await Promise.all(latencies);
  agent.destroy();
  return all;
}

/** Answers a second. */
async function askEagerly(port: number, paths: readonly string[]): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: EAGER });
  const begun = performance.now();
  let answered = 0;
  const one = async () => {
    while (performance.now() - begun < 2000) {
      await ask(agent, port, paths[answered % paths.length] ?? '/', 0);
      answered += 1;
    }
  };
  await Promise.all(Array.from({ length: EAGER }, one));
  agent.destroy();
  return (answered * 1000) / (performance.now() - begun);
}

/** Ms from `since` to the end of the answer. */
function ask(agent: Agent, port: number, path: string, since: number): Promise<number> {
  return new Promise((resolve, reject) => {
    get({ agent, port, host: '127.0.0.1', path }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200) resolve(performance.now() - since);
        else reject(new Error(`${path}: status ${response.statusCode}`));
      });
    }).on('error', reject);
  });
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<readonly string[]> {
  for await (const line of createInterface({ input: stream })) return [line];
  return [];
}

/** Processor time of one round over all containers: by the kernel's files, and by dockerd's statistics. */
async function measureStatistics(): Promise<readonly Row[]> {
  await using dockerd = await startDockerd();
  await dockerd.load('busybox:1');
  const ids: string[] = [];
  for (let n = 0; n < REAL_CONTAINERS; n += 1)
    ids.push((await dockerd.docker('run', '-d', '--network', 'none', 'busybox:1', 'sleep', '600')).trim());
  const pids = (await dockerd.docker('inspect', '-f', '{{.State.Pid}}', ...ids))
    .trim()
    .split('\n')
    .map(Number);
  const watched = Array.from({ length: CONTAINERS }, (_, n): WatchedContainer => {
    const [pid = 0, id = ''] = [pids[n % REAL_CONTAINERS], ids[n % REAL_CONTAINERS]];
    return { id: `${id}${n}`, name: id, pid, hasInterfaces: true };
  });
  const sampler = new StatsSampler({
    watched: () => watched,
    intervalMs: 1000,
    cores: 2,
    onTrouble: (error) => {
      throw error;
    },
    roots: findCgroupRoots(),
  });
  sampler.round();
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < STATS_ROUNDS; round += 1) {
    const before = process.cpuUsage();
    sampler.round();
    const { user, system } = process.cpuUsage(before);
    ours.push((user + system) / 1000);
    theirs.push(await dockerdRound(dockerd, ids));
  }
  sampler.stop();
  await dockerd.docker('rm', '-f', ...ids);
  return [
    row('one round, kernel files', 'ms of CPU', ours, { against: 'one round, dockerd stats' }),
    row('one round, dockerd stats', 'ms of CPU', theirs),
  ];
}

/** dockerd's own processor time for one sample of each container, ms. */
async function dockerdRound(dockerd: TestDockerd, ids: readonly string[]): Promise<number> {
  const before = cpuMs(dockerd.pid);
  // Together: each answer comes with the daemon's next look at the container, once a second.
  const one = (id: string) =>
    new Promise<void>((resolve, reject) => {
      const path = `/v1.41/containers/${id}/stats?stream=false&one-shot=true`;
      get({ socketPath: dockerd.socketPath, path }, (response) => {
        response.resume().on('end', resolve);
      }).on('error', reject);
    });
  await Promise.all(Array.from({ length: CONTAINERS }, (_, n) => one(ids[n % ids.length] ?? '')));
  return cpuMs(dockerd.pid) - before;
}

/** User and system time of a process (proc(5), fields 14 and 15). */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}

function row(
  name: string,
  unit: string,
  samples: readonly number[],
  { against, aim, better }: { against?: string; aim?: number; better?: 'more' } = {},
): Row {
  return {
    name,
    unit,
    samples,
    ...(aim !== undefined && { aim }),
    ...(better !== undefined && { better }),
    ...(against !== undefined && { against: [{ row: against }] }),
  };
}
