import type { LogConfig } from '../log-config.ts';
import type { ContainerLogPaths } from '../log-paths.ts';
import type { CredentialsBroker } from './credentials-broker.ts';
import type { LogCounters } from './log-counters.ts';
import type { OwnLog } from './own-log.ts';
import type { PositionFile } from './position-file.ts';
import type { SendSlots } from './send-slots.ts';
import type { Spool } from './spool.ts';
import type { ReadWindow, SpoolReader } from './spool-reader.ts';

/** `more`: call again soon. `waiting`: the driver calls `wake` when it can go on. */
export type PumpResult = 'idle' | 'more' | 'waiting';

/**
 * Delivers what is in a container's spool. It takes messages from the reader, and records the reader's position
 * when they are safe at their destination; then it releases the spool up to there. Set-up is its factory's work.
 */
export interface LogDriver {
  /**
   * Takes a bounded amount of what is in the spool. Never waits for a destination: a driver with a remote one
   * starts sending, answers `waiting`, and wakes its collector when it can take more.
   */
  pump(): PumpResult;
  /**
   * Both streams have ended and `pump` was idle: delivers the rests of unfinished lines, records the end.
   * Resolves when everything is at its destination.
   */
  finish(signal: AbortSignal): Promise<void>;
  /** Something that was read has not reached its destination, which is not on this host. */
  hasUndelivered(): boolean;
  /** Lets go of files and connections; what is not delivered stays in the spool. */
  close(): Promise<void>;
}

/** What a driver works with. */
export interface DriverContext {
  readonly config: LogConfig;
  readonly paths: ContainerLogPaths;
  readonly spool: Spool;
  readonly reader: SpoolReader;
  readonly position: PositionFile;
  readonly counters: LogCounters;
  readonly memory: SharedMemory;
  readonly slots: SendSlots;
  readonly credentials: CredentialsBroker;
  readonly log: OwnLog;
  /** The container runs already: its log is taken up again, and nothing can be refused any more. */
  readonly isTakenUp: boolean;
  wake(): void;
  /** Nothing can be delivered for now; told once until it can. */
  onTrouble(why: string): void;
}

/** A log driver: one file of its own, and a line in the table of drivers. */
export interface DriverDefinition {
  /** A line longer than this comes in parts, bytes. */
  readonly maxMessageBytes: number;
  /** Makes it ready. What it rejects with becomes `failed to initialize logging driver: <message>`. */
  open(context: DriverContext): Promise<LogDriver>;
}

/** Buffers that all containers of the process use in turn, each only while it runs. */
export interface SharedMemory {
  readonly window: ReadWindow;
  /** At least this many bytes to encode into. */
  output(bytes: number): Buffer;
}
