import { KeyedLock } from '../../async/keyed-lock.ts';
import { inNetworkNamespace } from '../../host/netns.ts';
import { type RunCommand, runCommand } from '../../host/run-command.ts';
import type {
  Fault,
  FaultConflict,
  FaultInjector,
  FaultName,
  FaultPlace,
  FlowFault,
} from '../../task/fault.ts';
import { type FaultCommands, isBlackholed, startBlackhole, stopBlackhole } from './blackhole.ts';
import { type DefaultLinks, observeDefaultLinks } from './default-links.ts';
import { runningFlowFault, startFlowFault, stopFlowFault } from './flow-fault.ts';

/** Faults by iptables and tc, in the network of the host or of one task (metadata-endpoints.md §7.3). */
export class NetworkFaults implements FaultInjector {
  readonly #run: RunCommand;
  /** One call at a time for each network. */
  readonly #locks = new KeyedLock();

  constructor(run: RunCommand = runCommand) {
    this.#run = run;
  }

  async start(place: FaultPlace, fault: Fault, signal: AbortSignal): Promise<'running' | FaultConflict> {
    return await this.#within(place, signal, async (commands, { names, ipv6Only }) => {
      if (fault.kind === 'network-blackhole-port') {
        if (!(await isBlackholed(fault, commands))) await startBlackhole(fault, ipv6Only, commands);
        return 'running';
      }
      const running = await firstRunning(names, commands);
      if (running !== undefined) return { running };
      for (const name of names) await startFlowFault(name, fault, commands);
      return 'running';
    });
  }

  async stop(place: FaultPlace, fault: FaultName, signal: AbortSignal): Promise<'stopped'> {
    return await this.#within(place, signal, async (commands, { names, ipv6Only }) => {
      if (fault.kind === 'network-blackhole-port') {
        if (await isBlackholed(fault, commands)) await stopBlackhole(fault, ipv6Only, commands);
        return 'stopped' as const;
      }
      for (const name of names)
        if ((await runningFlowFault(name, commands)) === fault.kind) await stopFlowFault(name, commands);
      return 'stopped';
    });
  }

  async status(place: FaultPlace, fault: FaultName, signal: AbortSignal): Promise<'running' | 'not-running'> {
    return await this.#within(place, signal, async (commands, { names }) => {
      const runs =
        fault.kind === 'network-blackhole-port'
          ? await isBlackholed(fault, commands)
          : (await firstRunning(names, commands)) === fault.kind;
      return runs ? 'running' : 'not-running';
    });
  }

  async #within<T>(
    place: FaultPlace,
    signal: AbortSignal,
    work: (commands: FaultCommands, links: DefaultLinks) => Promise<T>,
  ): Promise<T> {
    return await this.#locks.run(place.kind === 'host' ? 'host' : place.task, async () => {
      signal.throwIfAborted();
      const process = place.kind === 'host' ? 'self' : String(place.pid);
      const links = await observeDefaultLinks(process);
      if (links.names.length === 0) throw new Error('there is no default route, so no link that it goes by');
      return await work(this.#commands(place, signal), links);
    });
  }

  #commands(place: FaultPlace, signal: AbortSignal): FaultCommands {
    // A child is in the namespace of the thread that starts it.
    const call = (program: string, args: readonly string[], input = '') =>
      place.kind === 'host'
        ? this.#run(program, args, { signal, input })
        : inNetworkNamespace(`/proc/${place.pid}/ns/net`, () => this.#run(program, args, { signal, input }));
    const must = async (program: string, args: readonly string[], input?: string) => {
      const { exitCode, stdout, stderr } = await call(program, args, input);
      if (exitCode !== 0)
        throw new Error(`${program} ${args.join(' ')}: ${stderr.trim() || `status ${exitCode}`}`);
      return stdout;
    };
    return {
      attempt: async (program, ...args) => (await call(program, args)).exitCode === 0,
      must: (program, ...args) => must(program, args),
      tc: async (lines) =>
        void (await must('tc', ['-batch', '-'], lines.map((line) => `${line}\n`).join(''))),
    };
  }
}

async function firstRunning(
  links: readonly string[],
  commands: FaultCommands,
): Promise<FlowFault['kind'] | undefined> {
  for (const link of links) {
    const running = await runningFlowFault(link, commands);
    if (running !== undefined) return running;
  }
  return undefined;
}

/** What a host needs for every kind of fault, tried in a network of its own that ends with the command. */
const PROBE = [
  'iptables -w 5 -S >/dev/null',
  'tc qdisc add dev lo root handle 1: prio',
  'tc qdisc add dev lo parent 1:1 handle 10: netem delay 1ms',
  'tc -j q show dev lo parent 1:1 >/dev/null',
].join(' && ');
const PROBE_TIMEOUT_MS = 60_000;

/** Why faults cannot be made on this host, or undefined: programs and the kernel's netem (sch_netem). */
export async function observeFaultProblem(run: RunCommand = runCommand): Promise<string | undefined> {
  try {
    const { exitCode, stderr } = await run('unshare', ['-n', 'sh', '-c', PROBE], {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
    });
    return exitCode === 0 ? undefined : stderr.trim().split('\n')[0] || `status ${exitCode}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
