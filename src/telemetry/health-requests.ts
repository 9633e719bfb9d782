import { randomUUID } from 'node:crypto';
import { tcsTime } from '../wire/tcs.ts';
import type { TcsAgentMessage } from '../wire/tcs-agent.ts';
import type { Cycle } from './cycle-queue.ts';

/** Tasks of one request at most (TCS-55). */
const TASKS_PER_REQUEST = 10;

/** Health of one task's checked containers (tcs.md §9). Times are epoch ms. */
export interface TaskHealth {
  readonly taskArn: string;
  readonly family: string;
  readonly version: string;
  readonly containers: readonly {
    readonly name: string;
    readonly status: 'HEALTHY' | 'UNHEALTHY' | 'UNKNOWN';
    /** Absent: it has never changed. */
    readonly since?: number;
  }[];
}

/** One cycle of health: parts of ten tasks with one message id, the last marked as such (OBS-66). */
export function healthRequests(
  instance: { readonly cluster: string; readonly containerInstance: string },
  tasks: readonly TaskHealth[],
  now: number,
): Cycle {
  const messageId = randomUUID();
  const requests: TcsAgentMessage[] = [];
  for (let first = 0; first < tasks.length; first += TASKS_PER_REQUEST)
    requests.push({
      type: 'PublishHealthRequest',
      message: {
        metadata: { ...instance, messageId, fin: first + TASKS_PER_REQUEST >= tasks.length },
        tasks: tasks.slice(first, first + TASKS_PER_REQUEST).map((task) => ({
          taskArn: task.taskArn,
          taskDefinitionFamily: task.family,
          taskDefinitionVersion: task.version,
          containers: task.containers.map(({ name, status, since }) => ({
            containerName: name,
            healthStatus: status,
            statusSince: tcsTime(since ?? now),
          })),
        })),
        timestamp: tcsTime(now),
      },
    });
  return requests;
}
