import { closeSync } from 'node:fs';
import koffi from 'koffi';

const libc = koffi.load('libc.so.6');
// glibc has names for these two only from 2.36 on.
const pidfdOpen: (call: number, pid: number, flags: number) => number = libc.func(
  'long syscall(long, int, uint)',
);
const pidfdSendSignal: (call: number, fd: number, signal: number, info: null, flags: number) => number =
  libc.func('long syscall(long, int, int, void *, uint)');
/** Numbers of the calls, the same on every architecture (include/uapi/asm-generic/unistd.h). */
const PIDFD_SEND_SIGNAL = 424;
const PIDFD_OPEN = 434;

/**
 * Sends a signal to the process `pid` if `isWanted` says, while nobody else can get that number, that it is the one.
 * False: it is not, it has ended, or the kernel is older than 5.3.
 */
export function signalProcess(pid: number, signal: number, isWanted: () => boolean): boolean {
  const fd = pidfdOpen(PIDFD_OPEN, pid, 0);
  if (fd < 0) return false;
  try {
    return isWanted() && pidfdSendSignal(PIDFD_SEND_SIGNAL, fd, signal, null, 0) === 0;
  } finally {
    closeSync(fd);
  }
}
