import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Backoff } from '../../async/backoff.ts';
import { sleep } from '../../async/deadline.ts';
import { NarrowGate } from '../../async/narrow-gate.ts';
import { AppArmor } from './apparmor/apparmor.ts';
import { ContainerdClient } from './client.ts';
import { ContainerWatches } from './container-watches.ts';
import { hasCode } from './containerd-error.ts';
import { ContainerdRuntime } from './containerd-runtime.ts';
import { FreshContainers } from './fresh-containers.ts';
import { readHostFacts } from './host-facts.ts';
import { ImageRoots } from './image-root.ts';
import { removeStaleLeases } from './leases.ts';
import { type RuntimeLog, SILENT } from './runtime-log.ts';
import { ShimNotes } from './shim/shim-notes.ts';
import { ShimProcesses } from './shim/shim-processes.ts';
import { SilentShims } from './shim/silent-shims.ts';
import { UserFilesOfImages } from './user-files.ts';

/** Measured with 1 to 16 at once on two cores: a start waits for disk and kernel half of its time. */
const STARTS_A_CORE = 2;
/** A start that takes longer hangs, unless all of them do: it does not count any more. */
const START_PATIENCE_MS = 2_000;
const RETRY = { minMs: 200, maxMs: 5000, factor: 2, jitter: 0.2 };
const PROBE_TIMEOUT_MS = 10_000;
/** Oldest containerd whose API this agent knows (CTD-41). */
const OLDEST = { major: 1, minor: 6 };
/** Of Docker, of kubelet, and of whoever types `ctr` (containerd.md §2). */
const FOREIGN_NAMESPACES = ['moby', 'k8s.io', 'default'];

export interface OpenContainerdOptions {
  /** Path of containerd's socket. */
  readonly address: string;
  /** containerd namespace that is this agent's alone. */
  readonly namespace: string;
  readonly snapshotter: string;
  /** containerd's name of the runtime, `io.containerd.runc.v2`. */
  readonly runtimeName: string;
  /** OCI runtime by name or path, e.g. `crun`; absent: the shim's default, runc. */
  readonly ociRuntime?: string;
  /** Folder for short-lived FIFOs and for notes on shims; default `/run/ecs-containerd-agent/<namespace>`. */
  readonly runDir?: string;
  readonly logger?: RuntimeLog;
  /** Ends the wait for containerd. */
  readonly signal?: AbortSignal;
}

/** containerd answers but cannot be used; waiting does not help, the message says what does. */
export class UnusableContainerdError extends Error {
  override readonly name = 'UnusableContainerdError';
  /** Exit status of the agent: another start would end the same way (config.md §3.11). */
  readonly exitCode = 5;
}

/**
 * Connects to containerd, waiting for it as long as it takes (CTD-2), and checks that it can do what the agent
 * needs. Rejects with `UnusableContainerdError` when it cannot, with the signal's reason when that aborts.
 */
export async function openContainerd(options: OpenContainerdOptions): Promise<ContainerdRuntime> {
  const { address, namespace, snapshotter, runtimeName, ociRuntime } = options;
  if (namespace === '' || FOREIGN_NAMESPACES.includes(namespace))
    throw new UnusableContainerdError(
      `containerd namespace "${namespace}" is not the agent's to use; set ECS_CONTAINERD_NAMESPACE to one of its own, such as "ecs"`,
    );
  const log = options.logger ?? SILENT;
  const signal = options.signal ?? new AbortController().signal;
  const client = new ContainerdClient({ address, namespace });
  const runDir = options.runDir ?? `/run/ecs-containerd-agent/${namespace}`;
  const shims = new ShimNotes(join(runDir, 'shims'), client, log);
  try {
    const { version, revision } = await untilAnswered(client, shims, log, signal);
    log.info({ address, version, revision, namespace }, 'connected to containerd');
    refuseOldVersion(version);
    const [stale] = await Promise.all([
      ensureNamespace(client, signal).then(() => removeStaleLeases(client, signal)),
      probeSnapshotter(client, snapshotter, signal),
    ]);
    if (stale > 0) log.info({ leases: stale }, 'removed leases of an earlier run');
    const watches = new ContainerWatches(client, shims, log);
    watches.start();
    const shimProcesses = new ShimProcesses(namespace);
    const context = {
      client,
      watches,
      shims,
      shimProcesses,
      silentShims: new SilentShims(shimProcesses, (pid) =>
        log.warn({ pid }, 'ended a shim that waited for a containerd that has died'),
      ),
      images: new ImageRoots(client),
      userFiles: new UserFilesOfImages(),
      fresh: new FreshContainers(),
      startGate: new NarrowGate(availableParallelism() * STARTS_A_CORE, START_PATIENCE_MS),
      host: readHostFacts(namespace),
      appArmor: new AppArmor(),
      log,
      snapshotter,
      runtimeName,
      ...(ociRuntime !== undefined && { ociRuntime }),
      runDir,
    };
    return new ContainerdRuntime(context, version);
  } catch (error) {
    client.close();
    throw error;
  }
}

/** While it waits, it asks the shims how containers end: containerd may not know when it is back. */
async function untilAnswered(
  client: ContainerdClient,
  shims: ShimNotes,
  log: RuntimeLog,
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly revision: string }> {
  const backoff = new Backoff(RETRY);
  const answered = new AbortController();
  let collecting: Promise<void> | undefined;
  try {
    for (;;) {
      try {
        return await client.unary('version', 'Version', {}, { signal, timeoutMs: PROBE_TIMEOUT_MS });
      } catch (error) {
        if (!hasCode(error, 'UNAVAILABLE', 'DEADLINE_EXCEEDED')) throw error;
        collecting ??= shims.collectExits(AbortSignal.any([signal, answered.signal]));
        log.warn({ address: client.address, reason: error.details }, 'waiting for containerd');
      }
      await sleep(backoff.next(), signal);
    }
  } finally {
    answered.abort(new Error('containerd answers'));
    await collecting;
  }
}

/** A version that is no number (a build from source) is believed to be new. */
function refuseOldVersion(version: string): void {
  const match = /^v?(\d+)\.(\d+)/.exec(version);
  if (match === null) return;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  throw new UnusableContainerdError(
    `containerd ${version} is too old: this agent needs ${OLDEST.major}.${OLDEST.minor} or newer; upgrade containerd`,
  );
}

async function probeSnapshotter(
  client: ContainerdClient,
  snapshotter: string,
  signal: AbortSignal,
): Promise<void> {
  const filters = ['type==io.containerd.snapshotter.v1'];
  const { plugins } = await client.unary('introspection', 'Plugins', { filters }, { signal });
  const plugin = plugins.find(({ id }) => id === snapshotter);
  if (plugin === undefined)
    throw new UnusableContainerdError(
      `containerd has no snapshotter "${snapshotter}"; it has ${plugins.map(({ id }) => id).join(', ') || 'none'}; set ECS_CONTAINERD_SNAPSHOTTER to one of them, or name it in containerd's configuration (proxy_plugins, docs/images.md)`,
    );
  if (plugin.initErr !== null)
    throw new UnusableContainerdError(
      `containerd's snapshotter "${snapshotter}" did not come up: ${plugin.initErr.message}; repair it or set ECS_CONTAINERD_SNAPSHOTTER`,
    );
}

async function ensureNamespace(client: ContainerdClient, signal: AbortSignal): Promise<void> {
  try {
    await client.unary('namespaces', 'Create', { namespace: { name: client.namespace } }, { signal });
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
  }
}
