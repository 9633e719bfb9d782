import { type Machine, programFile } from './elf-file.ts';
import type { CodeWriter } from './machine-code.ts';
import {
  ANY_CHILD,
  SIG_SETMASK,
  SIGCHLD,
  SIGINT,
  SIGNAL_SET_BYTES,
  SIGTERM,
  WAITED_FOR,
  WNOHANG,
} from './signals-and-children.ts';

/** Where a container that holds namespaces for others has its program. */
export const PAUSE_PATH = '/pause';

/** Room on the stack, in bytes from its top. */
const SET = 0;
const ROOM = 16;

/**
 * A static program for Linux that waits: as process 1 of a PID namespace it reaps what ends there without a parent,
 * and ends with code 0 at SIGTERM or SIGINT. It takes no arguments and opens nothing.
 */
export function pauseProgram(machine: Machine): Buffer {
  return programFile(machine, writePause);
}

/** Signals wait, blocked, until they are asked for: also those that the kernel keeps from a process 1. */
function writePause(p: CodeWriter): void {
  p.reserve(ROOM);
  p.set('d', WAITED_FOR);
  p.store('d', 'stack', SET);
  p.address('d', 'stack', SET);
  p.call('rt_sigprocmask', SIG_SETMASK, 'd', 0, SIGNAL_SET_BYTES);
  p.label('wait');
  p.call('rt_sigtimedwait', 'd', 0, 0, SIGNAL_SET_BYTES);
  p.jumpIf('result', 'equal', SIGTERM, 'end');
  p.jumpIf('result', 'equal', SIGINT, 'end');
  p.jumpIf('result', 'unequal', SIGCHLD, 'wait');
  // One signal may stand for many.
  p.label('reap');
  p.call('wait4', ANY_CHILD, 0, WNOHANG, 0);
  p.jumpIf('result', 'less', 1, 'wait');
  p.jump('reap');
  p.label('end');
  p.call('exit_group', 0);
}
