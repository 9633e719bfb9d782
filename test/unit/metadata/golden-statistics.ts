import { mkdirSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import { CgroupV1Reader } from '../../../src/telemetry/stats/cgroup-v1-reader.ts';
import { dockerStats } from '../../../src/telemetry/stats/docker-stats.ts';
import { KernelFiles } from '../../../src/telemetry/stats/kernel-file.ts';
import { NS_PER_TICK, parseHostCpu, parseInterfaces } from '../../../src/telemetry/stats/proc-files.ts';
import { makeScratch } from '../../support/scratch.ts';

const cpuSchema = z.object({
  cpu_usage: z.object({
    percpu_usage: z.array(z.number()),
    usage_in_kernelmode: z.number(),
    usage_in_usermode: z.number(),
  }),
  system_cpu_usage: z.number(),
  online_cpus: z.number(),
});
const recordedSchema = z.object({
  read: z.string(),
  preread: z.string(),
  pids_stats: z.object({ current: z.number() }),
  cpu_stats: cpuSchema,
  precpu_stats: cpuSchema,
  memory_stats: z.object({
    usage: z.number(),
    max_usage: z.number(),
    stats: z.record(z.string(), z.number()),
    limit: z.number(),
  }),
  name: z.string(),
  id: z.string(),
  networks: z.record(z.string(), z.record(z.string(), z.number())),
});

/** What this agent shows where the kernel's files say what they said when recorded statistics were taken. */
export async function statisticsAsRecorded(recorded: unknown): Promise<unknown> {
  await using scratch = makeScratch();
  const { cpu_stats, precpu_stats, memory_stats, ...rest } = recordedSchema.parse(recorded);
  const directory = scratch.path('cgroup');
  mkdirSync(directory);
  const write = (name: string, text: string) => writeFileSync(`${directory}/${name}`, text);
  write('cpu.stat', 'nr_periods 0\nnr_throttled 0\nthrottled_time 0\n');
  write('memory.usage_in_bytes', `${memory_stats.usage}\n`);
  write('memory.max_usage_in_bytes', `${memory_stats.max_usage}\n`);
  write('memory.limit_in_bytes', `${memory_stats.limit}\n`);
  write('memory.failcnt', '0\n');
  write('memory.stat', lines(memory_stats.stats));
  write('blkio.io_service_bytes_recursive', 'Total 0\n');
  write('pids.current', `${rest.pids_stats.current}\n`);
  write('pids.max', 'max\n');
  const files = new KernelFiles();
  const networks = parseInterfaces(netDev(rest.networks));
  const sampleOf = (cpu: z.output<typeof cpuSchema>, at: string) => {
    write('cpuacct.usage_percpu', `${cpu.cpu_usage.percpu_usage.join(' ')} \n`);
    const { usage_in_kernelmode: system, usage_in_usermode: user } = cpu.cpu_usage;
    write('cpuacct.stat', lines({ user: user / NS_PER_TICK, system: system / NS_PER_TICK }));
    const reader = new CgroupV1Reader(
      { cpu: directory, cpuacct: directory, memory: directory, blkio: directory, pids: directory },
      files,
    );
    const sample = reader.sample();
    const details = reader.details();
    reader.close();
    if (sample === undefined || details === undefined) throw new Error('the files are there');
    const host = parseHostCpu(procStat(cpu));
    return { sample: { at: Date.parse(at), clock: Date.parse(at), host, networks, ...sample }, details };
  };
  const before = sampleOf(precpu_stats, rest.preread);
  const now = sampleOf(cpu_stats, rest.read);
  return dockerStats({
    name: rest.name.slice(1),
    id: rest.id,
    now: now.sample,
    before: before.sample,
    details: now.details,
    hostMemory: 2 ** 40,
  });
}

function lines(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${value}\n`)
    .join('');
}

/** /proc/stat of a host that has had so much processor time. */
function procStat({ system_cpu_usage, online_cpus }: z.output<typeof cpuSchema>): string {
  const total = `cpu  ${system_cpu_usage / NS_PER_TICK} 0 0 0 0 0 0 0 0 0\n`;
  return total + Array.from({ length: online_cpus }, (_, index) => `cpu${index} 0 0 0 0 0 0 0\n`).join('');
}

/** /proc/PID/net/dev with those counters. */
function netDev(interfaces: Readonly<Record<string, Readonly<Record<string, number>>>>): string {
  const rows = Object.entries(interfaces).map(([name, counters]) => {
    const half = (prefix: string) =>
      ['bytes', 'packets', 'errors', 'dropped'].map((what) => counters[`${prefix}_${what}`] ?? 0).join(' ');
    return `${name}: ${half('rx')} 0 0 0 0 ${half('tx')} 0 0 0 0`;
  });
  return ['Inter-|', ' face |', '    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0', ...rows, ''].join('\n');
}
