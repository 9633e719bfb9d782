import type { TaskId } from '../../task/ids.ts';

/** How awsvpc tasks reach addresses of the host by a second link, `ecs-eth0` (networking.md §6.5, §11.4). */
export interface LocalRoutes {
  /** Gives the task's namespace the link and its routes, where there are any to give; there already: success. */
  ensure(task: TaskId, netns: string, options: { signal: AbortSignal }): Promise<void>;
  /** Takes down what the task had of it on the host. Not there: success. */
  release(task: TaskId): Promise<void>;
  /** Removes what all tasks share: none has it any more. */
  remove(): Promise<void>;
}
