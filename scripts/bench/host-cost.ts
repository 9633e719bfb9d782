import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hostProcesses } from '../../test/support/processes.ts';
import type { OnContainerd, OnDocker } from './contenders.ts';
import { footprintOf } from './process-footprint.ts';

const TICKS_A_SECOND = 100;

/** Ids of the processes that a contender has on the host now, by what they are. */
export interface ContenderProcesses {
  readonly agent: number;
  readonly logService: readonly number[];
  /** containerd alone, or dockerd and its containerd. */
  readonly daemons: readonly number[];
  /** Shims, and the containers' own processes. */
  readonly containers: readonly number[];
}

export function processesOf(contender: OnContainerd | OnDocker): ContenderProcesses {
  const { agent } = contender;
  const daemon = 'dockerd' in contender ? contender.dockerd.pid : contender.containerd.pid;
  const place = dirname('dockerd' in contender ? contender.dockerd.socketPath : contender.containerd.address);
  const all = hostProcesses();
  const withArgument = (text: string) =>
    all.filter(({ pid, args }) => pid !== process.pid && args.some((arg) => arg.includes(text)));
  const isShim = ({ args }: { readonly args: readonly string[] }) =>
    args[0]?.includes('containerd-shim') === true;
  const families = new Set(
    withArgument(place)
      .filter(isShim)
      .map(({ pid }) => pid),
  );
  for (let before = -1; before !== families.size; ) {
    before = families.size;
    for (const { pid, parentPid } of all) if (families.has(parentPid)) families.add(pid);
  }
  const children = all.filter(({ pid, parentPid }) => parentPid === daemon && !families.has(pid));
  return {
    agent: agent.agent.pid,
    logService: withArgument(agent.agent.options.runDir).map(({ pid }) => pid),
    daemons: [daemon, ...children.map(({ pid }) => pid)],
    containers: [...families],
  };
}

/** Memory of processes together, shared pages divided among those who share them, MiB; those that end are left out. */
export function proportionalMiB(pids: readonly number[]): number {
  return sumOf(pids, (pid) => footprintOf(pid).proportional);
}

/** Processor time that processes have taken, with children that have ended, s. */
export function processorSeconds(pids: readonly number[]): number {
  return sumOf(pids, (pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) / TICKS_A_SECOND;
  });
}

/** Processor time that the whole machine has taken since its start, s (proc_stat(5): all but idle and iowait). */
export function machineSeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line.split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) / TICKS_A_SECOND;
}

function sumOf(pids: readonly number[], measure: (pid: number) => number): number {
  let sum = 0;
  for (const pid of pids) {
    try {
      sum += measure(pid);
    } catch {
      // It has ended.
    }
  }
  return sum;
}
