import { createHmac, randomBytes } from 'node:crypto';
import { ordinaryContainers } from '../task/internal-containers.ts';
import type { TaskSpec } from '../task/task-spec.ts';

/** Bytes of the secret that endpoint ids derive from. */
const SECRET_BYTES = 32;

/** A secret for a new instance; kept in the state store, so that ids outlive the agent (TMDS-19). */
export function newEndpointSecret(): string {
  return randomBytes(SECRET_BYTES).toString('hex');
}

/**
 * The ids by which containers are known in the paths of the task metadata endpoints, one a container of the task
 * definition (metadata-endpoints.md §3). Derived from task, container and a secret: the same after every crash,
 * and no task can work out another's.
 */
export class EndpointIds {
  readonly #secret: string;
  readonly #known = new WeakMap<TaskSpec, ReadonlyMap<string, string>>();

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** Of one container; throws when the task has none of that name. */
  idOf(spec: TaskSpec, container: string): string {
    for (const [id, name] of this.ofTask(spec)) if (name === container) return id;
    throw new Error(`task ${spec.arn} has no container "${container}"`);
  }

  /** Names of the task's containers by endpoint id. */
  ofTask(spec: TaskSpec): ReadonlyMap<string, string> {
    const known = this.#known.get(spec);
    if (known !== undefined) return known;
    const ids = new Map(ordinaryContainers(spec).map(({ name }) => [this.#derive(spec.arn, name), name]));
    this.#known.set(spec, ids);
    return ids;
  }

  /** In the form of a UUID of version 4 (RFC 9562 §5.4), as the Amazon ECS agent gives them. */
  #derive(arn: string, container: string): string {
    const bytes = createHmac('sha256', this.#secret).update(`${arn}\n${container}`).digest();
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
      '-',
    );
  }
}
