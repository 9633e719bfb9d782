import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Where shims have their OCI runtime keep containers; we name no other place. */
const RUNTIME_ROOT = '/run/containerd/runc';
/** Name of the first process until it becomes the container's program. */
const WAITING = 'runc:[';
/** Longer than any start that is not held up takes on a machine with time for it. */
const LOOK_AFTER_MS = 1_000;

export interface PendingStart {
  readonly namespace: string;
  readonly id: string;
  /** Of the first process. */
  readonly pid: number;
  /** Told once a start was helped on. */
  readonly onHelped: () => void;
}

/**
 * Helps a start on that would never end, for as long as it is under way. A containerd that dies cuts off the `runc
 * start` of its shim; one that had just let the first process go, and not yet removed the FIFO at which that waited,
 * leaves a program that runs, a shim that takes it for unstarted, and a next `runc start` that waits at the FIFO for
 * ever, and with it whoever wants to signal the process by the shim. It is told what it waits for: that the process
 * has gone on (containerd.md §15). Every other start is left alone, whatever its age.
 */
export function helpCutStart({ namespace, id, pid, onHelped }: PendingStart): Disposable {
  const fifo = join(RUNTIME_ROOT, namespace, id, 'exec.fifo');
  const timer = setInterval(() => {
    if (!isProgram(pid) || !answerAt(fifo)) return;
    clearInterval(timer);
    onHelped();
  }, LOOK_AFTER_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

function isProgram(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith(WAITING);
  } catch {
    return false;
  }
}

/** Writes what a first process writes as it goes on; false where nobody reads. */
function answerAt(fifo: string): boolean {
  try {
    const fd = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      writeSync(fd, '0');
    } finally {
      closeSync(fd);
    }
    return true;
  } catch {
    // Not there, or nobody waits at it.
    return false;
  }
}
