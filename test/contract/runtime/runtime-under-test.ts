import type { ContainerRuntime, ContainerStdio, CreateContainer } from '../../../src/runtime/runtime.ts';
import type { ContainerId } from '../../../src/task/ids.ts';

/** One kind of runtime, set up so that the contract can be tried on it. */
export interface RuntimeUnderTest extends AsyncDisposable {
  readonly runtime: ContainerRuntime;
  /**
   * True: how a container ended is known until it is removed, while its process id is forgotten at once. False:
   * the other way round, as far as `releaseContainer`.
   */
  readonly keepsExits: boolean;
  /**
   * A local busybox image: command `sh`, environment `IMAGE=yes`, and in its passwd and group the user `app`
   * (1234, group 5678, home /home/app), also in group `extra` (7777).
   */
  readonly image: string;
  /** The same with the stop signal SIGUSR1. */
  readonly imageWithStopSignal: string;
  /** Opens the runtime anew, as the agent's next run does; the earlier one is closed. */
  reopen(): Promise<ContainerRuntime>;
  /** Where a container's output is to go; `output` reads it after the container's end. */
  stdio(id: ContainerId): Promise<ContainerStdio>;
  output(id: ContainerId): Promise<string>;
  /** Parts of a request that every container of this test must have, such as its cgroup. */
  defaults(id: ContainerId): Partial<CreateContainer>;
  /** Rejects when something of a container is left on the host. Called after everything was removed. */
  expectNothingLeft(): Promise<void>;
}
