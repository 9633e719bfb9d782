import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import { findRecord } from './container-record.ts';
import { hasCode } from './containerd-error.ts';
import { endLostShims } from './lost-shims.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { removeShm } from './shared-shm.ts';
import { removeSnapshot } from './snapshots.ts';
import { stopContainer } from './stop-container.ts';
import { deleteTask, findTask } from './task-process.ts';

/** Frees shim and mounts of an ended container; one that is free already is fine. */
export async function releaseContainer(
  { client, watches, shims, runDir }: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<void> {
  if ((await findTask(client, id, signal))?.status === 'running')
    throw new TaskError(
      'DockerStateError',
      `container ${id} is running and cannot be released; stop it first`,
    );
  await deleteTask(client, id, signal);
  await removeShm(runDir, id, signal);
  watches.forget(id);
  await shims.forget(id);
}

/**
 * Removes everything of a container, its task before its record: containerd would delete the record under a
 * running one (CTD-22). Another agent's container of that id is left alone.
 */
export async function removeContainer(
  context: RuntimeContext,
  id: ContainerId,
  signal: AbortSignal,
): Promise<void> {
  const { client, watches, shims, runDir, fresh } = context;
  fresh.take(id);
  const record = await findRecord(client, id, signal);
  if (record !== undefined) {
    await stopContainer(context, id, { killAtMs: 0 }, signal);
    await deleteTask(client, id, signal);
    await endLostShims(context, id, signal);
    await removeShm(runDir, id, signal);
    try {
      await client.unary('containers', 'Delete', { id }, { signal });
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error;
    }
  } else if (await isOthers(context, id, signal)) {
    return;
  }
  watches.forget(id);
  await shims.forget(id);
  await removeSnapshot(context, id, { signal });
}

async function isOthers({ client }: RuntimeContext, id: ContainerId, signal: AbortSignal): Promise<boolean> {
  try {
    await client.unary('containers', 'Get', { id }, { signal });
    return true;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return false;
    throw error;
  }
}
