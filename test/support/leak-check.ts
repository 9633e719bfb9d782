import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cgroupsUnder } from './cgroups.ts';
import type { TestContainerd } from './containerd.ts';
import { type HostMount, hostMounts } from './mounts.ts';
import { nftTablesOfTasks } from './nft-tables.ts';
import { isOfOtherRun, processesBesideOtherRuns } from './other-runs.ts';
import { type HostProcess, hostProcesses, isShimOf } from './processes.ts';
import { until } from './until.ts';

export interface LeakScope {
  /** Also looks at what it holds in these namespaces; all its namespaces when none are named. */
  readonly containerd?: TestContainerd;
  /** Of agents, whose tables of the packet filter are looked at too. */
  readonly namespaces?: readonly string[];
  /** Cgroups whose subtrees are looked at; default `/ecs`. */
  readonly cgroups?: readonly string[];
  /** Run directory of an agent that may be running: the spare networks that it keeps are no leak. */
  readonly runDir?: string;
  /** Drops findings that are not this test's, such as those of a program beside it. */
  readonly ignore?: (finding: string) => boolean;
}

/** As many as an agent keeps (docs/adr/0014-spare-networks.md). */
const SPARES = 4;

/** What a host had when the check began. */
export interface LeakCheck {
  /** Everything that is there now and was not before, one readable line each. Only reads. */
  findings(): Promise<string[]>;
  /** Waits until there are no findings; the error lists those that stay. Default 10 000 ms. */
  expectNone(timeoutMs?: number): Promise<void>;
}

/**
 * Remembers the host's network namespaces, mounts, cgroups, shims, packet filter tables of agents and, with a
 * containerd, its containers, tasks, snapshots, leases and ingests, to compare with later. Images and their content are no leak, and neither
 * is what another test process that runs beside this one made.
 */
export async function leakCheck(scope: LeakScope = {}): Promise<LeakCheck> {
  const before = new Set(await inventory(scope));
  const findings = async () => {
    const found = await inventory(scope);
    const spares = new Set(scope.runDir === undefined ? [] : spareNetworks(scope.runDir));
    return found.filter((item) => !before.has(item) && !spares.has(item) && scope.ignore?.(item) !== true);
  };
  return {
    findings,
    expectNone: async (timeoutMs = 10_000) => {
      let left: string[] = [];
      await until(
        async () => {
          left = await findings();
          return left.length === 0;
        },
        { what: 'nothing is left behind', timeoutMs, intervalMs: 100 },
      ).catch((cause: unknown) => {
        throw new Error(`left behind:\n  ${left.flatMap(withHolders).join('\n  ')}`, { cause });
      });
    },
  };
}

async function inventory(scope: LeakScope): Promise<string[]> {
  const { containerd, namespaces = [], cgroups = ['/ecs'] } = scope;
  const tables = await Promise.all(namespaces.map(nftTablesOfTasks));
  return [
    ...networkNamespaces(),
    ...ownMounts().map(({ mountPoint, fsType }) => `mount ${mountPoint} (${fsType})`),
    ...tables.flat().map((table) => `nft table ${table}`),
    ...cgroups.flatMap(cgroupsUnder).map((folder) => `cgroup ${folder}`),
    ...ownShims(containerd).map(({ pid, args }) => `shim ${pid} ${args.slice(1).join(' ')}`),
    ...(containerd === undefined ? [] : await containerdObjects(containerd, scope.namespaces)),
  ];
}

/** What is found of the spare networks that an agent has written down; more than it is to keep are nobody's. */
function spareNetworks(runDir: string): string[] {
  const directory = join(runDir, 'network', 'spares');
  // One that an agent has not written to the end, as it was killed, is none.
  const files = existsSync(directory) ? readdirSync(directory).filter((file) => file.endsWith('.json')) : [];
  const ids = files.map((file) => basename(file, '.json'));
  if (ids.length > SPARES) return [];
  return hostMounts()
    .filter(({ mountPoint }) => ids.some((id) => mountPoint.endsWith(`-${id}`)))
    .flatMap(({ mountPoint, root, fsType }) => [
      `network namespace ${root}`,
      `network namespace ${mountPoint}`,
      `mount ${mountPoint} (${fsType})`,
    ]);
}

function ownMounts(): HostMount[] {
  return hostMounts().filter(({ mountPoint }) => !isOfOtherRun(mountPoint));
}

function ownShims(containerd: TestContainerd | undefined): HostProcess[] {
  return processesBesideOtherRuns().filter((process) => isShimOf(process, containerd?.address));
}

/** By inode, whether a process, a mount or only a name under /run/netns holds them. */
function networkNamespaces(): string[] {
  const held = processesBesideOtherRuns().flatMap(({ pid }) => networkNamespaceOf(pid) ?? []);
  const mounted = ownMounts().flatMap(({ root }) => (root.startsWith('net:') ? [root] : []));
  const names = existsSync('/run/netns') ? readdirSync('/run/netns') : [];
  const named = names.filter((name) => !isOfOtherRun(name)).map((name) => `/run/netns/${name}`);
  return [...new Set([...held, ...mounted, ...named])].map((name) => `network namespace ${name}`);
}

/** With a network namespace that has no name, who is in it. */
function withHolders(finding: string): readonly string[] {
  const inode = /net:\[\d+\]$/.exec(finding)?.[0];
  if (inode === undefined) return [finding];
  const holders = hostProcesses().filter(({ pid }) => networkNamespaceOf(pid) === inode);
  const mounts = hostMounts().filter(({ root }) => root === inode);
  return [
    finding,
    ...holders.map(({ pid, parentPid, args }) => `  in it: ${pid}, child of ${parentPid}: ${args.join(' ')}`),
    ...mounts.map(({ mountPoint }) => `  mounted on ${mountPoint}`),
  ];
}

function networkNamespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
}

async function containerdObjects(containerd: TestContainerd, only?: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const namespace of only ?? (await lines(containerd, '', 'namespaces', 'ls', '-q'))) {
    const list = async (kind: string, ...args: string[]) => {
      for (const line of await lines(containerd, namespace, ...args))
        found.push(`${kind} ${line.split(/\s+/)[0]} of namespace ${namespace}`);
    };
    await list('container', 'containers', 'ls', '-q');
    await list('containerd task', 'tasks', 'ls', '-q');
    await list('lease', 'leases', 'ls', '-q');
    const snapshots = await lines(containerd, namespace, 'snapshots', 'ls');
    // The first line is a heading; committed snapshots are images' layers.
    for (const line of snapshots.slice(1))
      if (!line.endsWith('Committed'))
        found.push(`snapshot ${line.split(/\s+/)[0]} of namespace ${namespace}`);
    const ingests = await lines(containerd, namespace, 'content', 'active');
    for (const line of ingests.slice(1))
      found.push(`ingest ${line.split(/\s+/)[0]} of namespace ${namespace}`);
  }
  return found;
}

async function lines(containerd: TestContainerd, namespace: string, ...args: string[]): Promise<string[]> {
  const output = await containerd.ctr(namespace, ...args);
  return output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
