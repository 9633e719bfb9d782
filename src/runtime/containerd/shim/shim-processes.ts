import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { SharedWork } from '../../../async/shared-work.ts';
import { allPids, descriptorsOf } from '../../../host/processes.ts';

const SHIM = /(^|\/)containerd-shim[^/]*$/;
/** open(2): the descriptor names a file that is not open. */
const O_PATH = 0o10000000;

/** Whether a shim has opened its log or waits for that; undefined: it has not come so far. */
export type ShimLog = 'awaited' | 'open' | undefined;

/** The process of a shim. */
export interface Shim {
  readonly pid: number;
  /** Container that it was started for; it may serve others. */
  readonly id: string;
}

/** The shims of a containerd namespace as processes of this machine. */
export class ShimProcesses {
  readonly #namespace: string;
  readonly #look = new SharedWork(async () => {
    const found = await Promise.all((await allPids()).map((pid) => this.#shimOf(pid)));
    return found.filter((shim) => shim !== undefined);
  });

  constructor(namespace: string) {
    this.#namespace = namespace;
  }

  /** Those that are there. The arguments of every process of the machine are read, once for all who ask together. */
  all(): Promise<readonly Shim[]> {
    return this.#look.next();
  }

  /** Whether it is still there. */
  async has({ pid, id }: Shim): Promise<boolean> {
    return (await this.#shimOf(pid))?.id === id;
  }

  logOf(pid: number): Promise<ShimLog> {
    return shimLog(pid);
  }

  /** Kills a shim; false when it has ended by itself. */
  end(pid: number): boolean {
    try {
      return process.kill(pid, 'SIGKILL');
    } catch {
      return false;
    }
  }

  async #shimOf(pid: number): Promise<Shim | undefined> {
    const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const args = text.split('\0');
    const following = (flag: string) => args[args.indexOf(flag) + 1];
    const id = following('-id');
    const isOurs = SHIM.test(args[0] ?? '') && following('-namespace') === this.#namespace;
    return isOurs && id !== undefined ? { pid, id } : undefined;
  }
}

/** A shim names its log by one descriptor and opens it by that, as others. */
async function shimLog(pid: number): Promise<ShimLog> {
  const ofLog = [...(await descriptorsOf(pid))].filter(([, target]) => isLog(target));
  if (ofLog.length === 0) return undefined;
  const opened = await Promise.all(ofLog.map(([fd]) => isOpened(pid, fd)));
  return opened.includes(true) ? 'open' : 'awaited';
}

/** proc_pid_fd(5): the name of a file that has been removed since has an end that says so. */
function isLog(target: string): boolean {
  return basename(target.replace(/ \(deleted\)$/, '')) === 'log';
}

/** proc_pid_fdinfo(5): `flags` is octal. */
async function isOpened(pid: number, fd: string): Promise<boolean> {
  const info = await readFile(`/proc/${pid}/fdinfo/${fd}`, 'utf8').catch(() => '');
  const flags = /^flags:\s+([0-7]+)$/m.exec(info)?.[1];
  return flags === undefined || (Number.parseInt(flags, 8) & O_PATH) === 0;
}
