import type { ContainerStdio } from '../runtime/runtime.ts';
import type { ContainerId } from '../task/ids.ts';

/**
 * Container output, kept by one log service per host: a process of its own that outlives the agent
 * (logging.md Part F). This port is the agent's side. Every call may be repeated. A bad option rejects with
 * CannotCreateContainerError, a driver that cannot be set up with CannotStartContainerError.
 */
export interface ContainerLogs {
  /** Drivers that work; what is announced as logging-driver capabilities. */
  readonly drivers: readonly string[];
  /** Checks the options and begins to make the FIFOs with a reader behind them. `none` gives null stdio. */
  prepare(request: LogRequest, options: { signal: AbortSignal }): Promise<PreparedLog>;
  /** The container's process has ended: read to the end of stream, flush. Resolves when all is on disk. */
  finish(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** Deletes the container's logs. */
  remove(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** Containers that have logs; for the sweep. */
  list(options: { signal: AbortSignal }): Promise<readonly ContainerId[]>;
  /** What the logs of each driver have counted; nothing where the runtime keeps them. Counts begin anew when their keeper does. */
  totals(options: { signal: AbortSignal }): Promise<Readonly<Record<string, LogTotals>>>;
  close(): Promise<void>;
}

/** Logs that are being opened. */
export interface OpeningLogs<Logs extends ContainerLogs = ContainerLogs> {
  /** Calls wait until it is open. */
  readonly logs: Logs;
  /** Rejects when it cannot be opened; `logs` is closed then. */
  readonly opened: Promise<void>;
}

/** Where the output of a container that can be made now goes. */
export interface PreparedLog {
  readonly stdio: ContainerStdio;
  /** Resolves when a container may be started with it; rejects when the driver cannot be set up. */
  readonly ready: Promise<void>;
}

/** What the logs of all containers of one driver have counted, those that are removed included (logging.md §25). */
export interface LogTotals {
  readonly bytesRead: number;
  readonly linesDelivered: number;
  readonly bytesDelivered: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, { readonly lines: number; readonly bytes: number }>>;
  /** Batches that had to be sent again. */
  readonly retries: number;
  /** How long containers waited in write(2), added up. */
  readonly blockedMs: number;
  /** Read and not delivered yet. */
  readonly backlogBytes: number;
  /** Whose logs are kept or delivered now. */
  readonly containers: number;
}

export interface LogRequest {
  readonly id: ContainerId;
  readonly name: string;
  readonly taskArn: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  /** Options whose values are secret; they win over `options` and are shown and stored nowhere. Absent: none. */
  readonly secretOptions?: Readonly<Record<string, string>>;
  readonly imageName: string;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly createdAt: number;
}
