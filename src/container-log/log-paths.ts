import { join } from 'node:path';
import type { ContainerId } from '../task/ids.ts';

/** Where one agent's logs live. Only the log service writes there. */
export interface LogDirectories {
  /** Gone after a reboot: socket, lock, FIFOs. */
  readonly runDir: string;
  /** Kept: configurations, spools, log files. */
  readonly dataDir: string;
}

export type StreamName = 'stdout' | 'stderr';
export const STREAM_NAMES = ['stdout', 'stderr'] as const satisfies readonly StreamName[];

/** Paths of one container's logs (logging.md §24). */
export interface ContainerLogPaths {
  /** `<dataDir>/logs/<id>`. */
  readonly directory: string;
  readonly config: string;
  readonly position: string;
  /** Present: the container is gone, and the rest goes when it is delivered. */
  readonly removed: string;
  readonly spool: string;
  /** Of the driver `json-file`. */
  readonly jsonLog: string;
  /** Of the driver `local`. */
  readonly localLog: string;
  readonly fifoDirectory: string;
  readonly fifos: Readonly<Record<StreamName, string>>;
}

/** The unix socket on which the log service answers. */
export function serviceSocketPath({ runDir }: LogDirectories): string {
  return join(runDir, 'log-service.sock');
}

/** Locked by the one log service that runs. */
export function serviceLockPath({ runDir }: LogDirectories): string {
  return join(runDir, 'log-service.lock');
}

/** The service's own messages. */
export function serviceLogPath({ dataDir }: LogDirectories): string {
  return join(dataDir, 'log-service.log');
}

/** Where the values of secret options are: a file a container, readable for root alone. */
export function logSecretsDirectory({ runDir }: LogDirectories): string {
  return join(runDir, 'log-secrets');
}

/** Parent of the containers' directories. */
export function logsDirectory({ dataDir }: LogDirectories): string {
  return join(dataDir, 'logs');
}

export function containerLogPaths(directories: LogDirectories, id: ContainerId): ContainerLogPaths {
  const directory = join(logsDirectory(directories), id);
  const fifoDirectory = join(directories.runDir, 'logs', id);
  return {
    directory,
    config: join(directory, 'config.json'),
    position: join(directory, 'position'),
    removed: join(directory, 'removed'),
    spool: join(directory, 'spool'),
    jsonLog: join(directory, `${id}-json.log`),
    localLog: join(directory, 'container.log'),
    fifoDirectory,
    fifos: { stdout: join(fifoDirectory, 'stdout'), stderr: join(fifoDirectory, 'stderr') },
  };
}
