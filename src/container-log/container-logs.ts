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
  /** Makes the FIFOs with a reader behind them, ready for the runtime. `none` gives null stdio. */
  prepare(request: LogRequest, options: { signal: AbortSignal }): Promise<ContainerStdio>;
  /** The container's process has ended: read to the end of stream, flush. Resolves when all is on disk. */
  finish(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** Deletes the container's logs. */
  remove(id: ContainerId, options: { signal: AbortSignal }): Promise<void>;
  /** Containers that have logs; for the sweep. */
  list(options: { signal: AbortSignal }): Promise<readonly ContainerId[]>;
  close(): Promise<void>;
}

export interface LogRequest {
  readonly id: ContainerId;
  readonly name: string;
  readonly taskArn: string;
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
  readonly imageName: string;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
  /** Epoch ms. */
  readonly createdAt: number;
}
