import type { ContainerId } from '../task/ids.ts';
import type { ContainerLogs, LogRequest, LogTotals, PreparedLog } from './container-logs.ts';

/** Output of containers where the runtime keeps it with drivers of its own; it also checks their options. */
export class RuntimeLogs implements ContainerLogs {
  readonly drivers: readonly string[];

  /** `drivers` are the runtime's. */
  constructor(drivers: readonly string[]) {
    this.drivers = drivers;
  }

  /** dockerd keeps the options, secret ones too, in its record of the container, as it does the environment. */
  async prepare({ driver, options, secretOptions }: LogRequest): Promise<PreparedLog> {
    const stdio = { kind: 'runtime', driver, options: { ...options, ...secretOptions } } as const;
    return { stdio, ready: Promise.resolve() };
  }

  async finish(): Promise<void> {}

  /** It goes with the container. */
  async remove(): Promise<void> {}

  async list(): Promise<readonly ContainerId[]> {
    return [];
  }

  async totals(): Promise<Readonly<Record<string, LogTotals>>> {
    return {};
  }

  async close(): Promise<void> {}
}
