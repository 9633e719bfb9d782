import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from '../../../schema.ts';
import { type ContainerId, containerId } from '../../../task/ids.ts';
import type { ContainerdClient } from '../client.ts';
import type { RuntimeLog } from '../runtime-log.ts';
import { epochMsOf } from '../timestamps.ts';
import { observeShimAddress, type ShimAddress } from './shim-address.ts';
import { callTtrpc } from './ttrpc-call.ts';

const noteSchema = z.object({
  socketPath: z.string(),
  version: z.int(),
  /** How the container ended, once its shim has told. */
  exit: z.exactOptional(z.object({ exitStatus: z.int(), exitedAt: z.exactOptional(z.number()) })),
});
type Note = Readonly<z.infer<typeof noteSchema>>;

/** How a container ended, by its shim. */
export interface ShimExit {
  readonly exitStatus: number;
  /** Epoch ms. */
  readonly exitedAt?: number;
}

/**
 * A file for each started container that says where its shim listens, and how the container ended if the shim
 * was asked. From version 1.7 on containerd forgets a container that ends while containerd is away: only the
 * shim knows its exit code, and only until containerd is back (containerd.md §15). The files are needed when
 * containerd does not answer, also by an agent that has just started; they lie in the run directory, which
 * ends with the boot as the shims do.
 */
export class ShimNotes {
  readonly #folder: string;
  readonly #client: ContainerdClient;
  readonly #log: RuntimeLog;
  /** Ends that are being written. */
  readonly #unfinished = new Map<ContainerId, Promise<void>>();

  constructor(folder: string, client: ContainerdClient, log: RuntimeLog) {
    this.#folder = folder;
    this.#client = client;
    this.#log = log;
  }

  /** Notes the shim of a container whose first process is there and has not ended. Never rejects. */
  async note(id: ContainerId, pid: number): Promise<void> {
    try {
      const address = await observeShimAddress(pid, id);
      if (address === undefined) return;
      await this.#write(id, address);
    } catch (error) {
      this.#log.warn({ error, containerId: id }, 'the shim of a container could not be noted');
    }
  }

  /** As `note`, unless there is one. */
  async noteIfMissing(id: ContainerId, pid: number): Promise<void> {
    if (this.#read(id) === undefined) await this.note(id, pid);
  }

  /** How the container ended, if its shim has been asked. */
  async exitOf(id: ContainerId): Promise<ShimExit | undefined> {
    return this.#read(id)?.exit;
  }

  /**
   * Waits in the shim for the end of the container and notes it. Undefined when the shim cannot tell: it is
   * gone, unknown, or does not have the container any more. Rejects only with the signal's reason.
   */
  async waitForExit(id: ContainerId, signal: AbortSignal): Promise<ShimExit | undefined> {
    const note = this.#read(id);
    if (note === undefined || note.exit !== undefined) return note?.exit;
    try {
      const exit = await this.#ask(id, note, signal);
      signal.throwIfAborted();
      const written = this.#write(id, { ...note, exit });
      this.#unfinished.set(id, written);
      await written.finally(() => this.#unfinished.delete(id));
      return exit;
    } catch (error) {
      signal.throwIfAborted();
      this.#log.debug({ error, containerId: id }, 'the shim of a container did not tell its end');
      return undefined;
    }
  }

  /**
   * Waits for the ends of all noted containers at once, until the signal aborts; for the time in which
   * containerd does not answer.
   */
  async collectExits(signal: AbortSignal): Promise<void> {
    await Promise.allSettled((await this.#list()).map((id) => this.waitForExit(id, signal)));
  }

  /** The container's end is stored, or it never began. Nobody waits for it any more. */
  async forget(id: ContainerId): Promise<void> {
    await this.#unfinished.get(id)?.catch(() => undefined);
    await rm(this.#path(id), { force: true });
  }

  async #ask(id: ContainerId, { socketPath, version }: ShimAddress, signal: AbortSignal): Promise<ShimExit> {
    const { api, namespace } = this.#client;
    const answer = await callTtrpc(
      api,
      {
        socketPath,
        service: `containerd.task.v${version}.Task`,
        method: 'Wait',
        payload: api.message('containerd.task.WaitRequest').serialize({ id }),
        metadata: { 'containerd-namespace-ttrpc': namespace },
      },
      signal,
    );
    const { exitStatus, exitedAt } = api.message('containerd.task.WaitResponse').deserialize(answer);
    const at = epochMsOf(exitedAt);
    return { exitStatus, ...(at !== undefined && { exitedAt: at }) };
  }

  #read(id: ContainerId): Note | undefined {
    try {
      // Some bytes in memory: ten times what the read takes would go into waiting for it.
      return noteSchema.parse(JSON.parse(readFileSync(this.#path(id), 'utf8')));
    } catch {
      // Missing or unreadable: the shim is not known, which costs an exit code at worst.
      return undefined;
    }
  }

  async #write(id: ContainerId, note: Note): Promise<void> {
    const path = this.#path(id);
    const text = JSON.stringify(note);
    const unfinished = `${path}.new`;
    try {
      await writeFile(unfinished, text, { mode: 0o600 });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await writeFile(unfinished, text, { mode: 0o600 });
    }
    await rename(unfinished, path);
  }

  async #list(): Promise<readonly ContainerId[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names.filter((name) => !name.endsWith('.new')).map(containerId);
  }

  #path(id: ContainerId): string {
    return join(this.#folder, id);
  }
}
