import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type HostProcess, hostProcesses } from './processes.ts';

/** Names that tests give to what they make on the host carry the pid of their process. */
const OWNER = /(?:\becs-(?:test-|t|c|contract-|logs-)|\bcni-)(\d+)\b/g;

/** Whether a name of something on the host says that another living test process made it. */
export function isOfOtherRun(name: string): boolean {
  return [...name.matchAll(OWNER)].some(([, owner = '']) => isOther(owner));
}

/** The processes of the machine without those of other test processes: what these started, and their containers. */
export function processesBesideOtherRuns(): HostProcess[] {
  const processes = new Map(hostProcesses().map((process) => [process.pid, process]));
  const others = new Set(readdirSync(tmpdir()).flatMap((name) => (isOfOtherRun(name) ? ownersOf(name) : [])));
  const isOthers = (process: HostProcess | undefined): boolean =>
    process !== undefined &&
    (others.has(process.pid) || isOfOtherRun(namesOf(process)) || isOthers(processes.get(process.parentPid)));
  return [...processes.values()].filter((process) => !isOthers(process));
}

function isOther(owner: string): boolean {
  return owner !== String(process.pid) && existsSync(`/proc/${owner}`);
}

function ownersOf(name: string): number[] {
  return [...name.matchAll(OWNER)].map(([, owner]) => Number(owner));
}

/** Where a process shows whose it is: its arguments and its cgroups. */
function namesOf({ pid, args }: HostProcess): string {
  try {
    return `${args.join(' ')} ${readFileSync(`/proc/${pid}/cgroup`, 'utf8')}`;
  } catch {
    return args.join(' ');
  }
}
