import { getSystemErrorName } from 'node:util';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
const mkfifoCall: (path: string, mode: number) => number = libc.func(
  'int mkfifo(const char *, unsigned int)',
);
const ioctlCall: (fd: number, request: number, value: Buffer) => number = libc.func(
  'int ioctl(int, unsigned long, void *)',
);
const pollCall: (fds: Buffer, count: number, timeoutMs: number) => number = libc.func(
  'int poll(void *, unsigned long, int)',
);
const spliceCall: (
  from: number,
  fromOffset: null,
  to: number,
  toOffset: Buffer,
  length: number,
  flags: number,
) => number = libc.func('int64_t splice(int, void *, int, void *, size_t, unsigned int)');
const flockCall: (fd: number, operation: number) => number = libc.func('int flock(int, int)');
const clockGettimeCall: (clock: number, time: Buffer) => number = libc.func('int clock_gettime(int, void *)');

const FIONREAD = 0x541b;
const POLLIN = 0x1;
const POLLHUP = 0x10;
const SPLICE_F_NONBLOCK = 0x2;
const LOCK_EX = 2;
const LOCK_NB = 4;
const CLOCK_REALTIME = 0;

/** A system call made through the C library failed; `code` is the errno's name. */
export class SystemCallError extends Error {
  override readonly name = 'SystemCallError';
  readonly code: string;

  constructor(syscall: string, errno: number, what: string) {
    const code = getSystemErrorName(-errno);
    super(`${syscall} of ${what} failed: ${code}`);
    this.code = code;
  }
}

/** Makes a FIFO (mkfifo(3)); one that is there already stays. The mode is cut by the umask. */
export function ensureFifo(path: string, mode: number): void {
  if (mkfifoCall(path, mode) === 0) return;
  const errno = koffi.errno();
  if (getSystemErrorName(-errno) !== 'EEXIST') throw new SystemCallError('mkfifo', errno, path);
}

/** Takes an exclusive flock(2) on an open file; false when another open file has it. Ends with the file. */
export function tryLock(fd: number): boolean {
  if (flockCall(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const errno = koffi.errno();
  if (getSystemErrorName(-errno) === 'EAGAIN') return false;
  throw new SystemCallError('flock', errno, `descriptor ${fd}`);
}

/** System calls on pipes that Node does not offer. One object has its own scratch memory; not for two threads. */
export class PipeIo {
  readonly #int = Buffer.alloc(4);
  readonly #pollFd = Buffer.alloc(8);
  readonly #offset = Buffer.alloc(8);
  readonly #time = Buffer.alloc(16);

  /** Bytes that can be read from a pipe right now. */
  bytesReadable(fd: number): number {
    if (ioctlCall(fd, FIONREAD, this.#int) !== 0)
      throw new SystemCallError('ioctl FIONREAD', koffi.errno(), `descriptor ${fd}`);
    return this.#int.readInt32LE(0);
  }

  /**
   * Whether nobody has the pipe open for writing and nothing is left to read. A FIFO that never had a writer
   * since it was opened here counts as having one: open and close a write end once to make this exact.
   */
  isAtEnd(fd: number): boolean {
    this.#pollFd.writeInt32LE(fd, 0);
    this.#pollFd.writeInt16LE(POLLIN, 4);
    this.#pollFd.writeInt16LE(0, 6);
    if (pollCall(this.#pollFd, 1, 0) < 0)
      throw new SystemCallError('poll', koffi.errno(), `descriptor ${fd}`);
    const events = this.#pollFd.readInt16LE(6);
    return (events & POLLHUP) !== 0 && (events & POLLIN) === 0;
  }

  /**
   * Moves up to `length` bytes from a pipe into a file at `offset`, inside the kernel (splice(2)): at every
   * moment a byte is either still in the pipe or in the file, whatever happens to this process. Never waits for
   * the pipe. Gives the bytes moved; 0 when the pipe is empty.
   */
  spliceToFile(pipe: number, file: number, offset: number, length: number): number {
    this.#offset.writeBigInt64LE(BigInt(offset), 0);
    const moved = spliceCall(pipe, null, file, this.#offset, length, SPLICE_F_NONBLOCK);
    if (moved >= 0) return moved;
    const errno = koffi.errno();
    if (getSystemErrorName(-errno) === 'EAGAIN') return 0;
    throw new SystemCallError('splice', errno, `${length} bytes`);
  }

  /** Nanoseconds since the epoch. */
  now(): bigint {
    clockGettimeCall(CLOCK_REALTIME, this.#time);
    return this.#time.readBigInt64LE(0) * 1_000_000_000n + this.#time.readBigInt64LE(8);
  }
}
