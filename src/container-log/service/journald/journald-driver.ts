import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { Backoff } from '../../../async/backoff.ts';
import { SystemCallError } from '../../../host/pipe-io.ts';
import { UnixDatagramSocket } from '../../../host/unix-datagram.ts';
import type { DriverContext, LogDriver } from '../driver.ts';
import { EncodedBatch } from '../encoded-batch.ts';
import { type Batch, type Destination, RemoteDriver } from '../remote-driver.ts';
import type { SendSlot } from '../send-slots.ts';
import { BATCH_BYTES } from '../transport.ts';
import { appendJournalEntry, containerFields } from './journal-entry.ts';

const SOCKET = '/run/systemd/journal/socket';

/** Sets up the driver `journald` (logging.md §17): datagrams of journald's native protocol. */
export async function openJournaldDriver(context: DriverContext): Promise<LogDriver> {
  return await RemoteDriver.open(context, new Journal(context));
}

class Journal implements Destination {
  readonly batchBytes = BATCH_BYTES;
  readonly flushIntervalMs = 0;
  readonly backoff = new Backoff({ minMs: 100, maxMs: 5_000, factor: 2, jitter: 0.2 });
  readonly #fields: Buffer;
  readonly #socket = new UnixDatagramSocket(SOCKET);
  #ordinal = 0;

  constructor({ config }: DriverContext) {
    this.#fields = containerFields(config, randomBytes(32).toString('hex'));
  }

  async setUp(): Promise<void> {
    if (!existsSync(SOCKET)) throw new Error('journald is not enabled on this host');
    this.#socket.ready();
  }

  openBatch(slot: SendSlot): Batch {
    const first = this.#ordinal;
    return new EncodedBatch(slot, {
      encode: (message, out) => {
        this.#ordinal += 1;
        appendJournalEntry(message, out, this.#fields, this.#ordinal);
      },
      send: async (batch, signal) => {
        try {
          for (let index = 0; index < batch.count; index++) await this.#send(batch.messageAt(index), signal);
        } catch (error) {
          this.#ordinal = first;
          throw error;
        }
        return undefined;
      },
    });
  }

  close(): void {
    this.#socket.close();
  }

  async #send(entry: Buffer, signal: AbortSignal): Promise<void> {
    try {
      await this.#socket.send(entry, signal);
    } catch (error) {
      if (!(error instanceof SystemCallError && error.code === 'EMSGSIZE')) throw error;
      await this.#socket.sendInFile(entry, signal);
    }
  }
}
