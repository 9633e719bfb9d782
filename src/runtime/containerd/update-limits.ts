import { z } from '../../schema.ts';
import { TaskError } from '../../task/errors.ts';
import type { ContainerId } from '../../task/ids.ts';
import type { ContainerLimits, LimitsChange } from '../runtime.ts';
import { jsonAny, OCI_RESOURCES_URL } from './any.ts';
import { findRecord } from './container-record.ts';
import { ContainerdError, hasCode } from './containerd-error.ts';
import { planLimits } from './oci/limits.ts';
import type { RuntimeContext } from './runtime-context.ts';
import { findTask } from './task-process.ts';

const LIMITS_LABEL = 'ecs-containerd-agent.limits';

/** Of the limits in force those that others are worked out from. */
const knownSchema = z.object({
  memoryBytes: z.exactOptional(z.number()),
  memorySwapBytes: z.exactOptional(z.number()),
});
type KnownLimits = Readonly<z.infer<typeof knownSchema>>;

/** The label by which `updateLimits` knows what is in force. */
export function limitsLabel({
  memoryBytes,
  memorySwapBytes,
}: Partial<ContainerLimits>): Record<string, string> {
  const known: KnownLimits = {
    ...(memoryBytes !== undefined && { memoryBytes }),
    ...(memorySwapBytes !== undefined && { memorySwapBytes }),
  };
  return { [LIMITS_LABEL]: JSON.stringify(known) };
}

/**
 * Writes changed limits into the cgroup of a running container (containerd.md §10, Update). The effect comes
 * before its record: a change that the kernel refuses leaves none, and a repeated one finds the same values.
 */
export async function updateLimits(
  context: RuntimeContext,
  id: ContainerId,
  change: LimitsChange,
  signal: AbortSignal,
): Promise<void> {
  const { client, host } = context;
  const record = await findRecord(client, id, signal);
  const task = record === undefined ? undefined : await findTask(client, id, signal);
  if (record === undefined || task?.status !== 'running')
    throw new TaskError(
      'NoSuchContainerError',
      `container ${id} does not run; only limits of a running one change`,
    );
  const known = knownSchema.parse(JSON.parse(record.labels[LIMITS_LABEL] || '{}'));
  const limits = changesMemory(change) ? { ...known, ...change } : change;
  try {
    const resources = jsonAny(OCI_RESOURCES_URL, planLimits(limits, host));
    await client.unary('tasks', 'Update', { containerId: id, resources }, { signal });
  } catch (error) {
    if (!(error instanceof ContainerdError) || !hasCode(error, 'UNKNOWN', 'INVALID_ARGUMENT')) throw error;
    throw new TaskError(
      'HostConfigError',
      `limits ${JSON.stringify(change)} were refused: ${error.details}`,
      {
        cause: error,
      },
    );
  }
  const mask = { paths: [`labels.${LIMITS_LABEL}`] };
  const labels = limitsLabel({ ...known, ...change });
  await client.unary('containers', 'Update', { container: { id, labels }, updateMask: mask }, { signal });
}

/** Memory and swap are one limit to the kernel: both are written when either changes. */
function changesMemory(change: LimitsChange): boolean {
  return change.memoryBytes !== undefined || change.memorySwapBytes !== undefined;
}
