import { closeSync, existsSync, fstatSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { HiddenValues } from '../hidden-values.ts';

const MAX_BYTES = 1024 * 1024;

/** The log service's own messages: JSON lines in one file, moved aside once when it has grown to 1 MiB. */
export class OwnLog {
  readonly #path: string;
  readonly #hidden: HiddenValues;
  #fd: number;
  #size: number;

  /** `hidden`: what no message shows. */
  constructor(path: string, hidden = new HiddenValues()) {
    this.#path = path;
    this.#hidden = hidden;
    if (existsSync(path) && statSync(path).size >= MAX_BYTES) renameSync(path, `${path}.1`);
    this.#fd = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#fd).size;
  }

  info(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#write('warn', message, fields);
  }

  error(message: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    const err = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#write('error', message, { ...fields, err });
  }

  #write(level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const shown = { level, time: Date.now(), pid: process.pid, ...fields, msg: message };
    const line = `${JSON.stringify(shown, (_, value: unknown) => (typeof value === 'string' ? this.#hidden.in(value) : value))}\n`;
    try {
      if (this.#size >= MAX_BYTES) {
        renameSync(this.#path, `${this.#path}.1`);
        closeSync(this.#fd);
        this.#fd = openSync(this.#path, 'a', 0o600);
        this.#size = 0;
      }
      this.#size += writeSync(this.#fd, line);
    } catch {
      // A full disk silences these messages; containers' logs have their own counters.
    }
  }
}
