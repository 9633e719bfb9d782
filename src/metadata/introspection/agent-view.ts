import type { StepKind } from '../../task/step.ts';
import type { TaskState } from '../../task/task-state.ts';
import type { Explanation, PullState } from '../../task/why.ts';

/** What the local endpoints may read of the agent; taken anew for each request. */
export interface AgentView {
  readonly version: string;
  readonly cluster: string;
  /** Absent until the instance is registered. */
  readonly containerInstanceArn?: string;
  readonly tasks: readonly TaskView[];
  readonly acs: ConnectionView;
  readonly tcs: ConnectionView;
  readonly runtime: { readonly name: string; readonly version: string };
  /** State changes that ECS has not taken yet. */
  readonly outbox: { readonly depth: number; readonly oldestAgeMs: number };
}

/** One of the two connections to ECS. Times are epoch ms. */
export interface ConnectionView {
  readonly connected: boolean;
  /** Since when it is so; absent before the first attempt. */
  readonly since?: number;
  /** Of the last message of any known type. */
  readonly lastMessageAt?: number;
  /** Why the last connection ended or could not be made. */
  readonly lastError?: string;
}

export interface TaskView {
  readonly state: TaskState;
  readonly underWay: readonly StepView[];
  readonly stuck: readonly (StepView & { readonly tries: number; readonly error: string })[];
  /** Progress of pulls under way, by container. */
  readonly progress: ReadonlyMap<string, PullState>;
  readonly why: readonly Explanation[];
}

export interface StepView {
  readonly kind: StepKind;
  readonly container?: string;
  /** Epoch ms. */
  readonly since: number;
}
