import { z } from '../../schema.ts';
import { type ContainerId, containerId } from '../../task/ids.ts';
import { LABEL_TASK_ARN } from '../runtime.ts';
import type { ContainerdClient } from './client.ts';
import { hasCode } from './containerd-error.ts';
import type { Container__Output } from './generated/containerd/services/containers/v1/Container.ts';

/** How it is to be started and stopped; written once with the container. */
const PLAN_LABEL = 'ecs-containerd-agent.plan';
/** That it was started, and what was seen then; absent: never. */
const STARTED_LABEL = 'ecs-containerd-agent.started';
/** Name and type URL of the extension that holds what the creator wants back: labels end at 4 KiB. */
const KEEPSAKE_EXTENSION = 'ecs-containerd-agent.keepsake';

const planSchema = z.object({
  stdin: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  terminal: z.boolean(),
  stopSignal: z.string(),
  /** The /dev/shm that others share with it. */
  shm: z.exactOptional(z.object({ path: z.string(), sizeBytes: z.number() })),
  /** Containers whose namespaces it joins, and the first processes that they had when it was made. */
  holders: z.exactOptional(z.array(z.object({ id: z.string(), pid: z.number() }))),
});
const startedSchema = z.object({
  /** Epoch ms. */
  at: z.number(),
  pid: z.number(),
  /** Which of its runs this is; absent: the first, 0. */
  run: z.exactOptional(z.number()),
  cgroup: z.exactOptional(
    z.object({
      processes: z.string(),
      memory: z.exactOptional(z.string()),
      parentOomKills: z.exactOptional(z.number()),
    }),
  ),
});

export type StartPlan = Readonly<z.infer<typeof planSchema>>;
export type StartedFacts = Readonly<z.infer<typeof startedSchema>>;

/** A container of ours as containerd keeps it: what a process that knows nothing else needs to go on with it. */
export interface ContainerRecord {
  readonly id: ContainerId;
  readonly labels: Readonly<Record<string, string>>;
  readonly plan: StartPlan;
  readonly started?: StartedFacts;
  readonly keepsake?: Uint8Array;
  readonly container: Container__Output;
}

/** The label that a new container carries for `parseRecord`. */
export function planLabel(plan: StartPlan): Readonly<Record<string, string>> {
  return { [PLAN_LABEL]: JSON.stringify(plan) };
}

/** The extension that a new container carries for `parseRecord`. */
export function keepsakeExtension(keepsake: Uint8Array) {
  return { [KEEPSAKE_EXTENSION]: { type_url: KEEPSAKE_EXTENSION, value: Buffer.from(keepsake) } };
}

/** Undefined for a container that is not this agent's: it must not be touched. */
export function parseRecord(container: Container__Output): ContainerRecord | undefined {
  const plan = container.labels[PLAN_LABEL];
  if (container.labels[LABEL_TASK_ARN] === undefined || plan === undefined) return undefined;
  const started = container.labels[STARTED_LABEL];
  const keepsake = container.extensions[KEEPSAKE_EXTENSION]?.value;
  return {
    id: containerId(container.id),
    labels: container.labels,
    plan: planSchema.parse(JSON.parse(plan)),
    ...(started !== undefined && started !== '' && { started: startedSchema.parse(JSON.parse(started)) }),
    ...(keepsake !== undefined && { keepsake }),
    container,
  };
}

/** The record; undefined when there is none or it is not ours. */
export async function findRecord(
  client: ContainerdClient,
  id: string,
  signal: AbortSignal,
): Promise<ContainerRecord | undefined> {
  try {
    const { container } = await client.unary('containers', 'Get', { id }, { signal });
    return container === null ? undefined : parseRecord(container);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** All records of ours. */
export async function listRecords(
  client: ContainerdClient,
  signal: AbortSignal,
): Promise<readonly ContainerRecord[]> {
  const filters = [`labels."${LABEL_TASK_ARN}"`];
  const { containers } = await client.unary('containers', 'List', { filters }, { signal });
  return containers.flatMap((container) => parseRecord(container) ?? []);
}

/** Writes down that the container is being started, or with undefined that it is not after all. */
export async function markStarted(
  client: ContainerdClient,
  id: string,
  facts: StartedFacts | undefined,
  signal: AbortSignal,
): Promise<void> {
  const labels = { [STARTED_LABEL]: facts === undefined ? '' : JSON.stringify(facts) };
  const mask = { paths: [`labels.${STARTED_LABEL}`] };
  await client.unary('containers', 'Update', { container: { id, labels }, updateMask: mask }, { signal });
}
