import { spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { until } from './until.ts';

/** A child that dies with this process. */
export interface RunningProcess extends Disposable {
  /** Its pid once it is in that named network namespace. */
  pidIn(namespace: string): Promise<number>;
}

/** Starts a program, which may be one that runs another in a network namespace. */
export function runningProcess([program, args]: readonly [string, readonly string[]]): RunningProcess {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', program, ...args], { stdio: 'ignore' });
  return {
    pidIn: async (namespace) => {
      const { ino } = statSync(`/run/netns/${namespace}`);
      const pid = child.pid ?? 0;
      await until(() => inode(`/proc/${pid}/ns/net`) === ino && commandOf(pid) !== 'nsenter', {
        what: `the process is in ${namespace}`,
      });
      return pid;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
}

function inode(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
}
