import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { HiddenValues } from '../hidden-values.ts';
import { record, textMap } from '../log-config.ts';

/** File systems that live in memory, by their numbers (statfs(2)): tmpfs and ramfs. */
const IN_MEMORY = new Set([0x0102_1994, 0x8584_58f6]);

/** Values of a container's secret options, by the names of the options. */
export type SecretValues = Readonly<Record<string, string>>;

/**
 * Secret values of log options (docs/adr/0009-log-secrets.md): a file of mode 0600 for each container, in a directory
 * of the run directory that only root can enter, and only where that is kept in memory. On any other file system they
 * are in this process alone, and are asked of the agent again by the next one.
 */
export class SecretOptions {
  readonly hidden = new HiddenValues();
  readonly #directory: string;
  readonly #isInMemory: boolean;
  readonly #kept = new Map<string, SecretValues>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    this.#isInMemory = IN_MEMORY.has(statfsSync(directory).type);
  }

  put(container: string, values: SecretValues): void {
    this.#know(container, values);
    if (!this.#isInMemory) return;
    const path = this.#path(container);
    const temporary = `${path}.tmp`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, JSON.stringify(values), { flag: 'wx', mode: 0o600 });
    renameSync(temporary, path);
  }

  /** Values under all of the names; undefined when one is not there. */
  get(container: string, names: readonly string[]): SecretValues | undefined {
    const values = this.#kept.get(container) ?? this.#read(container);
    if (values === undefined || !names.every((name) => Object.hasOwn(values, name))) return undefined;
    this.#know(container, values);
    return values;
  }

  remove(container: string): void {
    this.#kept.delete(container);
    this.hidden.delete(container);
    rmSync(this.#path(container), { force: true });
  }

  /** Takes away what is left of containers that are not known. */
  sweep(isKnown: (container: string) => boolean): void {
    for (const name of readdirSync(this.#directory))
      if (!isKnown(name)) rmSync(join(this.#directory, name), { force: true });
  }

  #know(container: string, values: SecretValues): void {
    this.#kept.set(container, values);
    this.hidden.set(container, Object.values(values));
  }

  /** One that cannot be read is as good as none. */
  #read(container: string): SecretValues | undefined {
    const path = this.#path(container);
    if (!existsSync(path)) return undefined;
    try {
      return textMap(record(JSON.parse(readFileSync(path, 'utf8')), 'secrets'), 'secrets');
    } catch {
      return undefined;
    }
  }

  #path(container: string): string {
    return join(this.#directory, container);
  }
}
