import type { Logger } from 'pino';
import type { ManifestNumber } from './acs/manifest-state.ts';
import { AGENT_VERSION } from './agent-version.ts';
import type { Config } from './config/config.ts';
import type { InstanceFacts } from './ecs/instance-facts.ts';
import type { Registration } from './ecs/registration.ts';
import { memoryStore } from './store/memory-store.ts';
import { openStore } from './store/sqlite-store.ts';
import type { MetaKey, Store, StoredState } from './store/store.ts';

/** Opens the store, in memory only without ECS_CHECKPOINT. */
export function openAgentStore(config: Config, logger: Logger): Store {
  if (!config.checkpoint) return memoryStore();
  return openStore(config.dataDirectory, undefined, (path) =>
    logger.error({ path }, 'the state database was deleted or replaced under the agent; it is written anew'),
  );
}

/** Reads the store; what could not be read is told, never fatal. */
export async function loadState(store: Store, logger: Logger): Promise<StoredState> {
  const stored = await store.load();
  if (stored.setAside !== undefined)
    logger.error(
      { ...stored.setAside },
      'the store could not be read and was set aside; starting with an empty one',
    );
  for (const record of stored.quarantined)
    logger.error({ ...record }, 'a record of the store could not be read');
  return stored;
}

/** The machine is another one than the saved state's: an image made of a registered instance (ECS-28). */
export async function discardState(
  store: Store,
  stored: StoredState,
  reason: string,
  logger: Logger,
): Promise<StoredState> {
  logger.warn({ reason }, 'discarding the saved state');
  await store.commit([
    ...stored.tasks.map((task) => ({ kind: 'deleteTask', arn: task.spec.arn }) as const),
    ...stored.outbox.map(({ id }) => ({ kind: 'deleteReport', id }) as const),
    ...stored.attachments.map(({ arn }) => ({ kind: 'deleteAttachment', arn }) as const),
    ...[...stored.meta.keys()].map((key) => ({ kind: 'deleteMeta', key }) as const),
  ]);
  // The images came along with the machine's disk.
  return { tasks: [], outbox: [], attachments: [], meta: new Map(), images: stored.images, quarantined: [] };
}

/** Keeps what the next start needs to register again (ENG-120), unless the store has it; gives it. */
export async function saveRegistration(
  store: Store,
  stored: Pick<StoredState, 'meta'>,
  registration: Registration,
  facts: InstanceFacts,
): Promise<ReadonlyMap<MetaKey, string>> {
  const values: readonly (readonly [MetaKey, string | undefined])[] = [
    ['agent-version', AGENT_VERSION],
    ['availability-zone', registration.availabilityZone],
    ['cluster-name', registration.cluster],
    ['container-instance-arn', registration.containerInstanceArn],
    ['ec2-instance-id', facts.instanceId],
  ];
  const known = new Map(
    values.flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
  const news = [...known].filter(([key, value]) => stored.meta.get(key) !== value);
  if (news.length > 0)
    await store.commit(news.map(([key, value]) => ({ kind: 'putMeta', key, value }) as const));
  return known;
}

/** −1 without state, 0 with state but no number yet (acs.md §12). */
export function manifestNumber(config: Config, stored: StoredState, store: Store): ManifestNumber {
  let current = config.checkpoint ? Number(stored.meta.get('task-manifest-seq-num') ?? 0) : -1;
  return {
    get: () => current,
    set: async (value) => {
      await store.commit([{ kind: 'putMeta', key: 'task-manifest-seq-num', value: String(value) }]);
      current = value;
    },
  };
}
