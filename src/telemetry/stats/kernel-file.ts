import { closeSync, openSync, readSync } from 'node:fs';

/** More than any file here has; what is longer is cut. */
const MAX_BYTES = 64 * 1024;

/**
 * Reads small files of the kernel again and again into one buffer, some of them held open. Synchronous: such a
 * read takes microseconds, and a round of hundreds must not cost as many promises.
 */
export class KernelFiles {
  readonly #buffer = Buffer.allocUnsafe(MAX_BYTES);

  /** Opens a file to be read often; undefined when it is not there. */
  open(path: string): KernelFile | undefined {
    const fd = this.#open(path);
    return fd === undefined ? undefined : new KernelFile(fd, this.#buffer);
  }

  /** Reads a file once; undefined when it is not there or what it tells of has ended. */
  read(path: string): string | undefined {
    const fd = this.#open(path);
    if (fd === undefined) return undefined;
    try {
      return readWhole(fd, this.#buffer);
    } finally {
      closeSync(fd);
    }
  }

  #open(path: string): number | undefined {
    try {
      return openSync(path, 'r');
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }
}

/** A file that is held open. */
export class KernelFile {
  readonly #fd: number;
  readonly #buffer: Buffer;

  constructor(fd: number, buffer: Buffer) {
    this.#fd = fd;
    this.#buffer = buffer;
  }

  /** What it says now; undefined when what it tells of has ended. */
  read(): string | undefined {
    return readWhole(this.#fd, this.#buffer);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function readWhole(fd: number, buffer: Buffer): string | undefined {
  try {
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, length);
      length += read;
      if (read === 0 || length === buffer.length) return buffer.toString('latin1', 0, length);
    }
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Of a cgroup or a process that has ended. */
function isGone(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && /^(ENOENT|ENODEV|ESRCH|ENOTDIR)$/.test(String(error.code))
  );
}
