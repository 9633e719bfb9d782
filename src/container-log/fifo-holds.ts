import { closeSync, constants, openSync } from 'node:fs';
import type { ContainerId } from '../task/ids.ts';

/**
 * Keeps FIFOs open for reading without reading them: what is in a FIFO stays there while nobody else has it
 * open, and a writer finds a reader, also while the log service is being restarted (logging.md §24.2, LOG-5).
 */
export class FifoHolds {
  readonly #held = new Map<ContainerId, readonly number[]>();

  /** Opens a container's FIFOs; those that are gone or held already are fine. */
  hold(id: ContainerId, fifos: { readonly stdout: string; readonly stderr: string }): void {
    if (this.#held.has(id)) return;
    this.#held.set(
      id,
      [fifos.stdout, fifos.stderr].flatMap((path) => {
        try {
          return [openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)];
        } catch (error) {
          if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
          throw error;
        }
      }),
    );
  }

  release(id: ContainerId): void {
    for (const fd of this.#held.get(id) ?? []) closeSync(fd);
    this.#held.delete(id);
  }

  releaseAll(): void {
    for (const id of [...this.#held.keys()]) this.release(id);
  }
}
