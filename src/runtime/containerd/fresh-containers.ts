import type { ContainerId } from '../../task/ids.ts';
import type { StartPlan } from './container-record.ts';
import type { Mount__Output } from './generated/containerd/types/Mount.ts';
import type { Any__Output } from './generated/google/protobuf/Any.ts';

/** What a start has to know of a container that has never been started. */
export interface FreshContainer {
  readonly plan: StartPlan;
  readonly options: Any__Output | null;
  /** Of its writable snapshot. */
  readonly mounts: readonly Mount__Output[];
}

/** Containers that this process has just made: their start, which mostly follows at once, need not read them again. */
export class FreshContainers {
  readonly #made = new Map<ContainerId, FreshContainer>();

  note(id: ContainerId, container: FreshContainer): void {
    this.#made.set(id, container);
  }

  /** Gives it once: what happens after a start stands in containerd's record alone. */
  take(id: ContainerId): FreshContainer | undefined {
    const made = this.#made.get(id);
    this.#made.delete(id);
    return made;
  }
}
