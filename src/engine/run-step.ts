import type { TaskEvent } from '../task/event.ts';
import type { Step, StepKind } from '../task/step.ts';
import type { StepContext } from './step-context.ts';
import {
  createContainer,
  releaseContainer,
  removeContainer,
  restartContainer,
  startContainer,
  stopContainer,
} from './steps/container.ts';
import { probeHealth } from './steps/health.ts';
import { takeHostResources } from './steps/host-resources.ts';
import { pullImage, resolveImage } from './steps/image.ts';
import { ensureResources, fetchSecrets, releaseTaskNetwork, removeResources } from './steps/resources.ts';

/** Steps that act on the world; `forgetTask` is the worker's own. */
export type WorldStep = Exclude<Step, { kind: 'forgetTask' }>;

type Runner<K extends StepKind> = (
  context: StepContext,
  step: Extract<Step, { kind: K }>,
) => Promise<TaskEvent>;

/** How each kind of step is done; a new kind fails to compile until it stands here. */
const RUNNERS: { readonly [K in WorldStep['kind']]: Runner<K> } = {
  takeHostResources: (context) => takeHostResources(context),
  ensureResources: (context) => ensureResources(context),
  fetchSecrets: (context) => fetchSecrets(context),
  resolveImage: (context, step) => resolveImage(context, step.container),
  pullImage: (context, step) => pullImage(context, step.container),
  createContainer: (context, step) => createContainer(context, step.container),
  startContainer: (context, step) => startContainer(context, step.container),
  restartContainer: (context, step) => restartContainer(context, step.container, step.afterRun),
  stopContainer: (context, step) => stopContainer(context, step.container, step.killAtMs),
  probeHealth: (context, step) => probeHealth(context, step.container),
  releaseContainer: (context, step) => releaseContainer(context, step.container),
  removeContainer: (context, step) => removeContainer(context, step.container),
  releaseTaskNetwork: (context) => releaseTaskNetwork(context),
  removeResources: (context) => removeResources(context),
};

/** Does a step and gives the fact that it made true. */
export function runStep(context: StepContext, step: WorldStep): Promise<TaskEvent> {
  const runner = RUNNERS[step.kind] as Runner<WorldStep['kind']>;
  return runner(context, step);
}

/** Steps whose failure ends the container or the task; every other step is tried until it works. */
export const FALLIBLE_STEPS: ReadonlySet<StepKind> = new Set([
  'ensureResources',
  'fetchSecrets',
  'pullImage',
  'createContainer',
  'startContainer',
  'restartContainer',
]);
