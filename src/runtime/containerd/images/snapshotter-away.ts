import { hasCode, isOfSnapshots } from '../containerd-error.ts';

/** Says whose fault it is when a snapshotter that is a program of its own does not answer containerd. */
export function namingSnapshotter(error: unknown, snapshotter: string, socket: string | undefined): unknown {
  if (socket === undefined || !hasCode(error, 'UNAVAILABLE') || !isOfSnapshots(error)) return error;
  return new Error(
    `containerd's snapshotter ${snapshotter} does not answer; start it, it is to listen at ${socket}: ${error.details}`,
    { cause: error },
  );
}
