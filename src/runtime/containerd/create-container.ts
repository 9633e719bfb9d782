import { join } from 'node:path';
import { TaskError } from '../../task/errors.ts';
import { PAUSE_PATH } from '../program/pause-program.ts';
import type { CreateContainer } from '../runtime.ts';
import { jsonAny, OCI_SPEC_URL, packAny } from './any.ts';
import { findRecord, keepsakeExtension, planLabel, type StartPlan } from './container-record.ts';
import { hasCode } from './containerd-error.ts';
import { ensureProgram } from './ensure-program.ts';
import { findDevices, findHostDevices } from './find-devices.ts';
import type { Mount__Output } from './generated/containerd/types/Mount.ts';
import type { Any__Output } from './generated/google/protobuf/Any.ts';
import type { ImageRoot } from './image-root.ts';
import { withLease } from './leases.ts';
import { checkLimits } from './oci/limits.ts';
import { INIT_PATH, type MountedProgram } from './oci/mounts.ts';
import { planSpec, usesSystemdCgroup } from './oci/oci-spec.ts';
import { hasInit } from './oci/process.ts';
import { parseSecurityOptions, type SecurityOptions } from './oci/security-options.ts';
import { type ResolvedUser, resolveUser } from './oci/user.ts';
import { layersOf } from './rootfs-files.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { findHolders, plannedHolders } from './shared-namespaces.ts';
import { plannedShm, shmSource } from './shared-shm.ts';
import { prepareSnapshot, removeSnapshot } from './snapshots.ts';
import { limitsLabel } from './update-limits.ts';

/** How long a lease holds a half-made container when the agent dies (containerd.md §4). */
const LEASE_MS = 60 * 60 * 1000;
const CLEANUP_TIMEOUT_MS = 30_000;

/**
 * Makes snapshot and record of a container; one that is there already stays as it is. Whatever fails removes
 * what was made (CTD-17, CTD-60).
 */
export async function createContainer(
  context: RuntimeContext,
  request: CreateContainer,
  signal: AbortSignal,
): Promise<void> {
  const { client } = context;
  const { id } = request;
  const lease = { id: `create-${id}`, purpose: 'create', expiresInMs: LEASE_MS, signal, goesLater: true };
  const present = findRecord(client, id, signal);
  const image =
    request.pause === true ? Promise.resolve(PAUSE_ROOT) : readImage(context, request.image, signal);
  // Both are asked while the lease is made; what comes of them counts below.
  for (const asked of [present, image]) asked.catch(() => undefined);
  await withLease(client, lease, async (leaseId) => {
    if ((await present) !== undefined) return;
    try {
      await makeContainer(context, request, await image, leaseId, signal);
    } catch (error) {
      await removeHalfMade(context, id);
      throw error;
    }
  });
}

async function makeContainer(
  context: RuntimeContext,
  request: CreateContainer,
  image: ImageRoot,
  lease: string,
  signal: AbortSignal,
): Promise<void> {
  const { client, snapshotter, runDir } = context;
  const { id } = request;
  checkLimits(request.limits);
  const mounts = await ensureSnapshot(context, id, image.chainId, lease, signal);
  const security = parseSecurityOptions(request.securityOptions ?? []);
  const shm = shmSource(runDir, request);
  const [user, devices, appArmorProfile, program, holders] = await Promise.all([
    findUser(context, image, mounts, request),
    request.privileged === true
      ? findHostDevices().then(async (all) => [...all, ...(await findDevices(request.devices ?? []))])
      : findDevices(request.devices ?? []),
    planAppArmor(context, request, security),
    findProgram(context, request),
    findHolders(client, request, signal),
  ]);
  const spec = planSpec({
    request,
    image: image.config,
    user,
    host: context.host,
    security,
    devices,
    ...(appArmorProfile !== undefined && { appArmorProfile }),
    holders,
    ...(shm !== undefined && { shm }),
    ...(program !== undefined && { program }),
  });
  const plan = {
    ...planStart(context, request, request.stopSignal ?? image.config.stopSignal),
    ...plannedShm(runDir, request),
    ...plannedHolders(request, holders),
  };
  const options = runtimeOptions(context, request);
  const container = {
    id,
    image: request.image,
    labels: { ...request.labels, ...limitsLabel(request.limits), ...planLabel(plan) },
    runtime: { name: context.runtimeName, options },
    spec: jsonAny(OCI_SPEC_URL, spec),
    snapshotter,
    snapshotKey: id,
    ...(request.keepsake !== undefined && { extensions: keepsakeExtension(request.keepsake) }),
  };
  await client.unary('containers', 'Create', { container }, { signal, lease });
  context.fresh.note(id, { plan, options, mounts });
}

/** What a container that only pauses is made from: nothing, and the program that is mounted into it. */
const PAUSE_ROOT: ImageRoot = {
  chainId: '',
  config: {
    environment: {},
    entryPoint: [PAUSE_PATH],
    command: [],
    user: '',
    workingDirectory: '',
    stopSignal: '',
    volumes: [],
  },
};

async function findProgram(
  { runDir }: RuntimeContext,
  request: CreateContainer,
): Promise<MountedProgram | undefined> {
  if (request.pause === true)
    return { source: await ensureProgram(runDir, 'pause'), destination: PAUSE_PATH };
  if (hasInit(request)) return { source: await ensureProgram(runDir, 'docker-init'), destination: INIT_PATH };
  return undefined;
}

async function readImage(context: RuntimeContext, name: string, signal: AbortSignal) {
  try {
    return await context.images.read(name, signal);
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND')) throw error;
    throw new TaskError('CannotCreateContainerError', `No such image: ${name}`, { cause: error });
  }
}

/** The writable snapshot, new or left by a run that crashed; gives its mounts. */
async function ensureSnapshot(
  { client, snapshotter }: RuntimeContext,
  key: string,
  parent: string,
  lease: string,
  signal: AbortSignal,
): Promise<readonly Mount__Output[]> {
  try {
    const { mounts } = await prepareSnapshot(client, { snapshotter, key, parent }, { signal, lease });
    return mounts;
  } catch (error) {
    if (!hasCode(error, 'ALREADY_EXISTS')) throw error;
    const { mounts } = await client.unary('snapshots', 'Mounts', { snapshotter, key }, { signal });
    return mounts;
  }
}

/** Without folders to read (block device snapshotters), only numbers can be resolved. */
async function findUser(
  { userFiles }: RuntimeContext,
  image: ImageRoot,
  mounts: readonly Mount__Output[],
  { user: wanted = image.config.user, additionalGroups: additional = [] }: CreateContainer,
): Promise<ResolvedUser> {
  const layers = layersOf(mounts);
  if (layers === undefined) {
    if (/^(\d+(:\d+)?)?$/.test(wanted)) return resolveUser(wanted, 'root:x:0:0:root:/root:', '', additional);
    throw new TaskError(
      'CannotCreateContainerError',
      `unable to find user ${wanted}: the snapshotter's layers cannot be searched; give the user as a number`,
    );
  }
  const { passwd, group } = await userFiles.read(image.chainId, layers);
  return resolveUser(wanted, passwd, group, additional);
}

/** A privileged container has none, whatever it asks for, as under Docker. */
async function planAppArmor(
  { host, appArmor }: RuntimeContext,
  { privileged }: CreateContainer,
  { appArmor: wanted }: SecurityOptions,
): Promise<string | undefined> {
  if (privileged === true) return undefined;
  if (host.appArmor) return await appArmor.profileFor(wanted);
  if (wanted === undefined || wanted === 'unconfined') return undefined;
  throw new TaskError(
    'CannotCreateContainerError',
    `dockerSecurityOptions: "apparmor:${wanted}" cannot be had: this host has no AppArmor, or no apparmor_parser`,
  );
}

function planStart(context: RuntimeContext, request: CreateContainer, imageStopSignal: string): StartPlan {
  const { stdio, terminal } = request;
  const stdin = request.openStdin ? join(context.runDir, 'stdin') : '';
  switch (stdio.kind) {
    case 'fifo':
      return {
        stdin,
        stdout: stdio.stdout,
        stderr: terminal ? '' : stdio.stderr,
        terminal,
        stopSignal: imageStopSignal,
      };
    case 'null':
      // The shim's terminal copy wants a place to write to.
      return {
        stdin,
        stdout: terminal ? 'file:///dev/null' : '',
        stderr: '',
        terminal,
        stopSignal: imageStopSignal,
      };
    case 'runtime':
      throw new TaskError(
        'CannotCreateContainerError',
        `log driver ${stdio.driver}: containerd keeps no output itself`,
      );
  }
}

function runtimeOptions(
  { client, ociRuntime: usual = '' }: RuntimeContext,
  { cgroup, ociRuntime = usual }: CreateContainer,
): Any__Output {
  const options = { binaryName: ociRuntime, systemdCgroup: usesSystemdCgroup(cgroup) };
  return packAny(client.api, 'containerd.runc.v1.Options', options);
}

/** Under a signal of its own, as the request's may be what ended it. */
async function removeHalfMade(context: RuntimeContext, id: string): Promise<void> {
  const { signal } = new AbortController();
  const options = { signal, timeoutMs: CLEANUP_TIMEOUT_MS };
  try {
    await context.client.unary('containers', 'Delete', { id }, options).catch((error: unknown) => {
      if (!hasCode(error, 'NOT_FOUND')) throw error;
    });
    await removeSnapshot(context, id, options);
  } catch (error) {
    // The lease holds the snapshot only for its time; the first error is the one that matters.
    context.log.warn({ error, containerId: id }, 'removing a half-made container failed');
  }
}
