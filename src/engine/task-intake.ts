import type { TaskArn } from '../task/ids.ts';
import type { DesiredStatus } from '../task/statuses.ts';
import type { TaskSpec } from '../task/task-spec.ts';

/**
 * What the ACS session asks of the task engine. Every call may be repeated: messages are delivered again
 * until they are acked.
 */
export interface TaskIntake {
  /**
   * Takes tasks in or changes their desired status; resolves once every change is durable, so that the
   * message may be acked (ACS-27). Tasks to stop are taken first whatever their order (ACS-32). A known task
   * only has its desired status raised (ACS-33); an unknown one to stop is reported STOPPED (ACS-34).
   */
  accept(tasks: readonly { readonly spec: TaskSpec; readonly desired: DesiredStatus }[]): Promise<void>;
  /** Reports a payload task that did not parse as STOPPED with that reason; durable when resolved. */
  reject(arn: TaskArn, reason: string): Promise<void>;
  /** Raises the desired status of known tasks to STOPPED; unknown ones are ignored (acs.md §9.8). */
  stop(arns: readonly TaskArn[]): Promise<void>;
  knows(arn: TaskArn): boolean;
  /** ARNs of tasks whose desired status is RUNNING (acs.md §9.6). */
  desiredRunning(): readonly TaskArn[];
}
