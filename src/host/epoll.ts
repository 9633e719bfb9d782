import { closeSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import koffi from 'koffi';
import { SystemCallError } from './pipe-io.ts';

const libc = koffi.load('libc.so.6');
const createCall: (flags: number) => number = libc.func('int epoll_create1(int)');
const controlCall: (epoll: number, operation: number, fd: number, event: Buffer) => number = libc.func(
  'int epoll_ctl(int, int, int, void *)',
);
const waitCall = libc.func('int epoll_wait(int, void *, int, int)');
const eventFdCall: (initial: number, flags: number) => number = libc.func('int eventfd(unsigned int, int)');

const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_DEL = 2;
const EPOLLIN = 0x1;
const EPOLLET = 0x8000_0000;
const CLOEXEC_NONBLOCK = 0o2_004_000;
const EPOLL_CLOEXEC = 0o2_000_000;
/** struct epoll_event is packed on x86-64 only. */
const LAYOUT = process.arch === 'x64' ? { size: 12, data: 4 } : { size: 16, data: 8 };
const MAX_EVENTS = 64;

/**
 * Tells which descriptors became readable or lost their last writer, edge triggered: an event comes once for
 * each change, so its receiver reads until nothing is left. Waiting takes one thread of the pool and no CPU.
 */
export class Epoll {
  readonly #epoll: number;
  readonly #stop: number;
  readonly #events = Buffer.alloc(LAYOUT.size * MAX_EVENTS);
  readonly #event = Buffer.alloc(LAYOUT.size);
  #closed = false;

  constructor() {
    if (endianness() !== 'LE') throw new Error('epoll is only known for little-endian machines');
    this.#epoll = createCall(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new SystemCallError('epoll_create1', koffi.errno(), 'the log service');
    this.#stop = eventFdCall(0, CLOEXEC_NONBLOCK);
    if (this.#stop < 0) throw new SystemCallError('eventfd', koffi.errno(), 'the log service');
    this.add(this.#stop);
  }

  /** Starts watching; what is readable already gives an event too. */
  add(fd: number): void {
    this.#event.writeUInt32LE((EPOLLIN | EPOLLET) >>> 0, 0);
    this.#event.writeUInt32LE(fd, LAYOUT.data);
    this.#control(EPOLL_CTL_ADD, fd);
  }

  /** Call before the descriptor is closed. An event that is under way may still come. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL_DEL, fd);
  }

  /** Waits for events and gives their descriptors; undefined after `close`. One wait at a time. */
  async wait(): Promise<readonly number[] | undefined> {
    if (this.#closed) return undefined;
    const count = await new Promise<number>((resolve, reject) => {
      waitCall.async(this.#epoll, this.#events, MAX_EVENTS, -1, (error: unknown, result: number) =>
        error ? reject(error) : resolve(result),
      );
    });
    if (this.#closed) {
      closeSync(this.#epoll);
      closeSync(this.#stop);
      return undefined;
    }
    // A negative count is an interrupted wait: the next one tells.
    return Array.from({ length: Math.max(count, 0) }, (_, index) =>
      this.#events.readUInt32LE(index * LAYOUT.size + LAYOUT.data),
    );
  }

  /** Ends a wait. Without it the process could not exit: its pool thread would never return. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const one = Buffer.alloc(8);
    one.writeBigUInt64LE(1n);
    writeSync(this.#stop, one);
  }

  #control(operation: number, fd: number): void {
    if (controlCall(this.#epoll, operation, fd, this.#event) !== 0)
      throw new SystemCallError('epoll_ctl', koffi.errno(), `descriptor ${fd}`);
  }
}
