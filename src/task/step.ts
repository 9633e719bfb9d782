/**
 * Everything the engine can do for a task. A step is "make it so": it looks, acts if needed and returns facts
 * as events; it may be killed at any line and run again. A step of a container runs alone for that container.
 */
export type Step =
  /** Waits until the task has its share of the host, in the order of arrival. */
  | { readonly kind: 'takeHostResources' }
  | { readonly kind: 'ensureResources' }
  /** Brings secrets and environment files of the task into memory; beside whatever else is done for it. */
  | { readonly kind: 'fetchSecrets' }
  | { readonly kind: 'resolveImage'; readonly container: string }
  | { readonly kind: 'pullImage'; readonly container: string }
  | { readonly kind: 'createContainer'; readonly container: string }
  | { readonly kind: 'startContainer'; readonly container: string }
  /** Starts a container again whose run number `afterRun` has ended. */
  | { readonly kind: 'restartContainer'; readonly container: string; readonly afterRun: number }
  | {
      readonly kind: 'stopContainer';
      readonly container: string;
      /** Epoch ms of the SIGKILL. */
      readonly killAtMs: number;
    }
  /** Runs the container's health check once; beside whatever else is done for the container. */
  | { readonly kind: 'probeHealth'; readonly container: string }
  /** Completes the log and frees the process record of a stopped container. */
  | { readonly kind: 'releaseContainer'; readonly container: string }
  /** Gives back the ENI of an awsvpc task. */
  | { readonly kind: 'releaseTaskNetwork' }
  /** Removes record, snapshot and logs. */
  | { readonly kind: 'removeContainer'; readonly container: string }
  | { readonly kind: 'removeResources' }
  | { readonly kind: 'forgetTask' };

export type StepKind = Step['kind'];

/** Steps that may be given up half-way when they are no longer wanted: they leave nothing that runs. */
export const ABANDONABLE_STEPS: ReadonlySet<StepKind> = new Set([
  'takeHostResources',
  'fetchSecrets',
  'resolveImage',
  'pullImage',
  'probeHealth',
]);

/** Steps that are begun only when all that led to them is durable; the others make nothing that would have to be found again. */
export const RECORDED_FIRST: ReadonlySet<StepKind> = new Set([
  'createContainer',
  'startContainer',
  'restartContainer',
  'stopContainer',
  'releaseContainer',
  'releaseTaskNetwork',
  'removeContainer',
  'removeResources',
  'forgetTask',
]);

/** The container a step is about, if any. */
export function stepContainer(step: Step): string | undefined {
  return 'container' in step ? step.container : undefined;
}
