import { status } from '@grpc/grpc-js';
import { RuntimeUnavailableError } from '../../task/errors.ts';

/** gRPC's names of status codes, as containerd uses them (containerd.md §3). */
export type ContainerdErrorCode = keyof typeof status;

/**
 * An answer of containerd that is not success, or none. `details` is the text as it came; texts of UNKNOWN
 * are the OCI runtime's, the shim's or the differ's own and differ between versions: never decide on them.
 */
export class ContainerdError extends Error {
  override readonly name = 'ContainerdError';
  readonly code: ContainerdErrorCode;
  /** `/package.Service/Method` of the call that failed. */
  readonly method: string;
  readonly details: string;

  constructor(code: ContainerdErrorCode, method: string, details: string, options: { cause?: unknown } = {}) {
    super(`containerd ${method.slice(method.lastIndexOf('.') + 1)}: ${code}: ${details}`, options);
    this.code = code;
    this.method = method;
    this.details = details;
  }
}

/** Turns what grpc-js rejects with into a ContainerdError; anything else passes unchanged. */
export function containerdErrorOf(error: unknown, method: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'number') return error;
  const details = 'details' in error && typeof error.details === 'string' ? error.details : error.message;
  return new ContainerdError(codeName(error.code), method, details, { cause: error });
}

/** Whether `error` is containerd's answer with one of `codes`. */
export function hasCode(error: unknown, ...codes: readonly ContainerdErrorCode[]): error is ContainerdError {
  return error instanceof ContainerdError && codes.includes(error.code);
}

/** What callers of the port see: no connection becomes RuntimeUnavailableError, the rest passes unchanged. */
export function atPort(error: unknown): unknown {
  if (!hasCode(error, 'UNAVAILABLE')) return error;
  // It may be a program of its own (`proxy_plugins`), for which containerd answers.
  const who = isOfSnapshots(error) ? "containerd's snapshotter" : 'containerd';
  return new RuntimeUnavailableError(`${who} does not answer: ${error.details}`, { cause: error });
}

/** Whether what failed is a call that containerd hands on to the snapshotter. */
export function isOfSnapshots({ method }: ContainerdError): boolean {
  return method.startsWith('/containerd.services.snapshots.v1.');
}

/** The name of a status; UNKNOWN for a number that gRPC does not have. */
export function codeName(code: number): ContainerdErrorCode {
  const name = status[code];
  return name !== undefined && name in status ? (name as ContainerdErrorCode) : 'UNKNOWN';
}
