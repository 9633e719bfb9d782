import { randomUUID } from 'node:crypto';
import type { OutboxRecord, TaskRecord } from '../state/records.ts';
import type { State } from '../state/state.ts';

/** The next number for a payload or manifest of the instance; it never repeats (acs.md §12). */
export function nextSequence(state: State, containerInstanceArn: string): number {
  const instance = state.instances.get(containerInstanceArn);
  if (instance === undefined) throw new Error(`no container instance ${containerInstanceArn}`);
  const sequence = instance.sequence + 1;
  state.instances.put(containerInstanceArn, { ...instance, sequence });
  return sequence;
}

/**
 * Queues a payload with the task as it is now. An older one of the same task is taken back: a start that was
 * not acked must not reach an agent after the stop, it could run the task again (OBS-24).
 */
export function queuePayload(state: State, task: TaskRecord): void {
  queue(state, task, 'payload');
}

/** Queues the announcement of the task's ENI. */
export function queueAttachment(state: State, task: TaskRecord): void {
  queue(state, task, 'attach');
}

function queue(state: State, task: TaskRecord, content: OutboxRecord['content']): void {
  dropPayloads(state, task.taskArn);
  const messageId = randomUUID();
  state.outbox.put(messageId, {
    messageId,
    containerInstanceArn: task.containerInstanceArn,
    taskArn: task.taskArn,
    seqNum: nextSequence(state, task.containerInstanceArn),
    content,
  });
}

/** Takes back what was queued for the task. */
export function dropPayloads(state: State, taskArn: string): void {
  for (const { messageId } of state.outbox.filter((payload) => payload.taskArn === taskArn)) {
    state.outbox.delete(messageId);
  }
}
