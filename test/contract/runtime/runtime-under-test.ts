import type {
  ContainerLimits,
  ContainerRuntime,
  ContainerStdio,
  CreateContainer,
} from '../../../src/runtime/runtime.ts';
import type { ContainerId } from '../../../src/task/ids.ts';

/** As much of a runtime under test as needs no program to run. */
export interface LimitsUnderTest extends AsyncDisposable {
  readonly runtime: ContainerRuntime;
  /** A local busybox image. */
  readonly image: string;
  /** Where a container's output is to go. */
  stdio(id: ContainerId): Promise<ContainerStdio>;
  /** Parts of a request that every container of this test must have, such as its cgroup. */
  defaults(id: ContainerId): Partial<CreateContainer>;
  /** Shares, memory, processes and quota that are in force for a running container. */
  limitsOf(id: ContainerId, pid: number): Promise<ContainerLimits>;
}

/** One kind of runtime, set up so that the contract can be tried on it. */
export interface RuntimeUnderTest extends LimitsUnderTest {
  /**
   * True: how a container ended is known until it is removed, while its process id is forgotten at once. False:
   * the other way round, as far as `releaseContainer`.
   */
  readonly keepsExits: boolean;
  /** Privileged containers can be had: dockerd asks for every capability, also on a machine that lacks some. */
  readonly givesAllCapabilities: boolean;
  /**
   * A local busybox image: command `sh`, environment `IMAGE=yes`, and in its passwd and group the user `app`
   * (1234, group 5678, home /home/app), also in group `extra` (7777).
   */
  readonly image: string;
  /** The same with the stop signal SIGUSR1. */
  readonly imageWithStopSignal: string;
  /** Opens the runtime anew, as the agent's next run does; the earlier one is closed. */
  reopen(): Promise<ContainerRuntime>;
  /** Output of a container that has ended. */
  output(id: ContainerId): Promise<string>;
  /** Rejects when something of a container is left on the host. Called after everything was removed. */
  expectNothingLeft(): Promise<void>;
}
