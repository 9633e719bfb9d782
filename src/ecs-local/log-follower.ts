import { readLogs } from '../container-log/read-logs.ts';
import type { ContainerId } from '../task/ids.ts';
import type { StackRecord } from './stack-files.ts';

/** Tells the lines of a container's log as they come, and at the end those that came last. */
export class LogFollower {
  readonly #record: StackRecord;
  readonly #id: ContainerId;
  readonly #tell: (text: string) => void;
  readonly #aborter = new AbortController();
  readonly #following: Promise<void>;
  #told = 0;

  constructor(record: StackRecord, id: ContainerId, tell: (text: string) => void) {
    this.#record = record;
    this.#id = id;
    this.#tell = tell;
    this.#following = this.#follow();
  }

  /** The log is complete: tells what the following has not come to yet. */
  async end(): Promise<void> {
    this.#aborter.abort();
    await this.#following;
    let index = 0;
    for await (const line of readLogs({ dataDir: this.#record.dataDir, id: this.#id }))
      if (index++ >= this.#told) this.#tell(line.text);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#aborter;
    try {
      for await (const line of readLogs({
        dataDir: this.#record.dataDir,
        id: this.#id,
        follow: true,
        signal,
      })) {
        this.#told++;
        this.#tell(line.text);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}
