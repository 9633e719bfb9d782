/* What the kernel's calls on signals and children take, the same on both machines (signal(7), wait(2)). */

export const SIGINT = 2;
export const SIGTERM = 15;
export const SIGCHLD = 17;
export const SIG_SETMASK = 2;
export const SIGNAL_SET_BYTES = 8;
export const WNOHANG = 1;
export const ANY_CHILD = -1;

/** Signals that a fault of the process itself makes: they are not waited for. */
const FAULTS = [4, 5, 6, 7, 8, 11, 31];
/** A set of all others. */
export const WAITED_FOR = FAULTS.reduce((set, signal) => set & ~(1n << BigInt(signal - 1)), 2n ** 64n - 1n);
