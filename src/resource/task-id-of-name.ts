import { type TaskId, taskArn, taskIdOf } from '../task/ids.ts';

/** The task id that a cgroup's name is; undefined when no task can have such a name, so that it is not ours. */
export function taskIdOfName(name: string): TaskId | undefined {
  if (name === '') return undefined;
  const id = taskIdOf(taskArn(name));
  return id === name ? id : undefined;
}
