import { randomBytes } from 'node:crypto';
import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { ExecRequest, ExecResult } from '../runtime.ts';
import { jsonAny, OCI_PROCESS_URL } from './any.ts';
import type { ContainerdClient } from './client.ts';
import { type ContainerRecord, findRecord } from './container-record.ts';
import { hasCode } from './containerd-error.ts';
import { ExecOutput } from './exec-output.ts';
import { parseOci } from './oci/oci-json.ts';
import { resolveUser } from './oci/user.ts';
import { layersOf, readRootfsFile } from './rootfs-files.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { killProcess } from './task-process.ts';

const SIGKILL = 9;
const CLEANUP_TIMEOUT_MS = 10_000;
/** What a shell says of a program that it cannot find or run; Docker gives the same for an exec. */
const CANNOT_RUN = 126;
const NOT_FOUND = 127;

/** A process as the stored configuration has it; what is not named here passes through unchanged. */
const processSchema = z.looseObject({
  env: z._default(z.array(z.string()), []),
  user: z.looseObject({ uid: z.number(), gid: z.number() }),
});

/**
 * Runs a command in a running container (containerd.md §12). The signal's end kills that command only. A
 * command that cannot be run is a result, 126 or 127, with the runtime's text as its output.
 */
export async function execInContainer(
  context: RuntimeContext,
  id: ContainerId,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<ExecResult> {
  const { client, runDir } = context;
  const record = await findRecord(client, id, signal);
  if (record === undefined)
    throw new TaskError(
      'NoSuchContainerError',
      `No such container: ${id}; it was never created or is removed`,
    );
  const execId = `exec-${randomBytes(8).toString('hex')}`;
  using output = await ExecOutput.open(runDir, execId, request.outputLimit);
  const spec = jsonAny(OCI_PROCESS_URL, await planExec(context, record, request, signal));
  const streams = { stdin: '', stdout: output.path, stderr: output.path, terminal: false };
  try {
    await client.unary('tasks', 'Exec', { containerId: id, execId, ...streams, spec }, { signal });
  } catch (error) {
    if (!hasCode(error, 'NOT_FOUND', 'FAILED_PRECONDITION')) throw error;
    throw new TaskError('DockerStateError', `container ${id} is not running`, { cause: error });
  }
  return await runExec(context, { containerId: id, execId }, output, signal);
}

interface ExecRef {
  readonly containerId: ContainerId;
  readonly execId: string;
}

async function runExec(
  { client, log }: RuntimeContext,
  ref: ExecRef,
  output: ExecOutput,
  signal: AbortSignal,
): Promise<ExecResult> {
  let exitCode: number;
  try {
    // Wait is on its way before Start, so that a short command's end cannot be missed (CTD-74).
    const waiting = client.unary('tasks', 'Wait', ref, { signal });
    waiting.catch(() => undefined);
    try {
      await client.unary('tasks', 'Start', ref, { signal });
    } catch (error) {
      if (!hasCode(error, 'UNKNOWN')) throw error;
      const missing = /not found|no such file/i.test(error.details);
      return { exitCode: missing ? NOT_FOUND : CANNOT_RUN, output: error.details };
    }
    exitCode = (await waiting).exitStatus;
  } finally {
    // This also waits until the shim has passed the output on.
    await deleteExec(client, ref).catch((error: unknown) =>
      log.warn({ error, ...ref }, 'an exec could not be deleted'),
    );
  }
  return { exitCode, output: await output.finish() };
}

/** Always, or the shim keeps its memory (CTD-75); one that still runs is killed, and it alone (CTD-76). */
async function deleteExec(client: ContainerdClient, ref: ExecRef): Promise<void> {
  const options = { signal: new AbortController().signal, timeoutMs: CLEANUP_TIMEOUT_MS };
  try {
    await client.unary('tasks', 'DeleteProcess', ref, options);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND', 'UNAVAILABLE')) return;
    const ended = client.unary('tasks', 'Wait', ref, options);
    ended.catch(() => undefined);
    await killProcess(client, { ...ref, signal: SIGKILL }, options);
    await ended;
    await client.unary('tasks', 'DeleteProcess', ref, options);
  }
}

/** The container's own process with another command, and environment and user where asked for. */
async function planExec(
  context: RuntimeContext,
  { container }: ContainerRecord,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<object> {
  const spec = z
    .looseObject({ process: processSchema })
    .parse(parseOci(String(container.spec?.value ?? '{}')));
  const { process } = spec;
  const added = Object.entries(request.environment ?? {});
  const kept = process.env.filter((entry) => !added.some(([key]) => entry.startsWith(`${key}=`)));
  const user =
    request.user === undefined
      ? process.user
      : await findExecUser(context, container.id, request.user, signal);
  return {
    ...process,
    terminal: false,
    args: request.args,
    env: [...kept, ...added.map(([key, value]) => `${key}=${value}`)],
    user,
  };
}

async function findExecUser(
  { client, snapshotter }: RuntimeContext,
  key: string,
  wanted: string,
  signal: AbortSignal,
): Promise<object> {
  const { mounts } = await client.unary('snapshots', 'Mounts', { snapshotter, key }, { signal });
  const layers = layersOf(mounts) ?? [];
  const [passwd, group] = await Promise.all([
    readRootfsFile(layers, '/etc/passwd'),
    readRootfsFile(layers, '/etc/group'),
  ]);
  const { uid, gid, additionalGids } = resolveUser(wanted, passwd ?? '', group ?? '');
  return { uid, gid, additionalGids };
}
