import type { ContainerAddresses, ContainerExit, ContainerObservation } from './container-facts.ts';
import type { Reason } from './errors.ts';
import type { ProbeResult } from './health.ts';
import type { Laziness } from './laziness.ts';
import type { PortBinding } from './port-mapping.ts';
import type { ContainerStatus } from './statuses.ts';
import type { StepKind } from './step.ts';

/**
 * Everything that can happen to a task: wishes of ECS, facts from steps and from the runtime, time. Facts name
 * the container's generation, so that one of an earlier container of the same name is told apart.
 */
export type TaskEvent =
  /** ECS, or an essential container's end, wants the task stopped. */
  | { readonly kind: 'stopRequested' }
  /** The task has its share of the host until it is over. */
  | { readonly kind: 'hostResourcesTaken' }
  | { readonly kind: 'resourcesReady' }
  | { readonly kind: 'secretsFetched' }
  /** Every process, mount and network namespace of before is gone (a new boot id). */
  | { readonly kind: 'hostRestarted' }
  | { readonly kind: 'taskNetworkReleased' }
  | { readonly kind: 'resourcesRemoved' }
  | { readonly kind: 'imageResolved'; readonly container: string; readonly digest?: string }
  /** The reference carries the digest: nothing was asked, nothing is news (ECS-87). */
  | { readonly kind: 'imagePinned'; readonly container: string; readonly digest: string }
  /** The digest could not be had; the pull is tried nevertheless (ENG-86). */
  | { readonly kind: 'imageUnresolved'; readonly container: string; readonly reason: Reason }
  | { readonly kind: 'pullStarted' }
  /** A pull ended, well or not (ECS-99). */
  | { readonly kind: 'pullEnded' }
  | {
      readonly kind: 'imagePulled';
      readonly container: string;
      readonly imageName: string;
      readonly imageId: string;
      /** Of a pull by a snapshotter that can pull lazily. */
      readonly laziness?: Laziness;
    }
  /** The container's ports and addresses are chosen and recorded; ports are never chosen again. */
  | {
      readonly kind: 'networkReady';
      readonly container: string;
      readonly bindings: readonly PortBinding[];
      readonly addresses?: ContainerAddresses;
    }
  | { readonly kind: 'containerCreated'; readonly container: string }
  | {
      readonly kind: 'containerStarted';
      readonly container: string;
      readonly pid: number;
      /** Epoch ms. */
      readonly startedAt: number;
    }
  /** A container that its restart policy had started again after run number `afterRun` runs. */
  | {
      readonly kind: 'containerRestarted';
      readonly container: string;
      readonly pid: number;
      readonly afterRun: number;
    }
  /** The process tree is proven gone; without `exit` it never ran. */
  | { readonly kind: 'containerStopped'; readonly container: string; readonly exit?: ContainerExit }
  | { readonly kind: 'containerReleased'; readonly container: string }
  | { readonly kind: 'containerRemoved'; readonly container: string }
  /** What the runtime says of a container after a gap: a restart, a lost event stream. */
  | {
      readonly kind: 'containerObserved';
      readonly container: string;
      readonly observation: ContainerObservation;
      /** What was known of it before the runtime was asked; what became known since is not contradicted. */
      readonly knownBefore: ContainerStatus;
    }
  /** A health check has run. */
  | { readonly kind: 'healthProbed'; readonly container: string; readonly result: ProbeResult }
  /** A step failed for good. */
  | {
      readonly kind: 'stepFailed';
      readonly step: StepKind;
      readonly container?: string;
      readonly reason: Reason;
    }
  /** A step of a container did not end in its time and is tried again. */
  | { readonly kind: 'stepTimedOut'; readonly container: string; readonly reason: Reason }
  /** Time passed; whatever has become due is done. */
  | { readonly kind: 'tick' }
  /** ECS accepted, or for good refused, one report of this task. */
  | { readonly kind: 'reportSettled' };

/** Times that the pure core needs, from the configuration. */
export interface TaskRules {
  /** Grace between stop signal and SIGKILL for containers without one of their own. */
  readonly stopTimeoutMs: number;
  readonly cleanupWaitMs: number;
  readonly cleanupJitterMs: number;
  /** What a failed pull or digest look-up means (ENG-85, ENG-86). */
  readonly pullFailureStops: boolean;
  /** Images are pulled before the dependencies of their containers are met (ENG-64). */
  readonly pullUpfront: boolean;
}
