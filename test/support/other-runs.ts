import { existsSync, readFileSync } from 'node:fs';

/** Names that tests give to what they make on the host carry the pid of their process. */
const OWNER = /(?:\becs-(?:test-|t|c|contract-|logs-)|\bcni-)(\d+)\b/g;

/** Whether a name of something on the host says that another living test process made it. */
export function isOfOtherRun(name: string): boolean {
  return [...name.matchAll(OWNER)].some(
    ([, owner = '']) => owner !== String(process.pid) && existsSync(`/proc/${owner}`),
  );
}

/** The same of a process, by its arguments and its cgroups. */
export function isProcessOfOtherRun(pid: number, args: readonly string[]): boolean {
  if (isOfOtherRun(args.join(' '))) return true;
  try {
    return isOfOtherRun(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  } catch {
    return false;
  }
}
