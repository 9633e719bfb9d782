import { type ContainerId, containerIdOf } from '../../task/ids.ts';
import { type Answer, jsonAnswer, textAnswer } from '../task-api/answer.ts';
import { findTask } from './agent-documents.ts';
import type { AgentView } from './agent-view.ts';

/** A line that a container wrote. */
export interface LoggedLine {
  readonly time: string;
  readonly text: string;
}

/** Reads the log that a container has on this host; nothing when it goes elsewhere. */
export type ReadContainerLog = (
  id: ContainerId,
  options: { readonly tail: number; readonly since?: Date },
) => AsyncIterable<LoggedLine>;

const DEFAULT_TAIL = 1000;
const MAX_TAIL = 100_000;

/**
 * `GET /v1/tasks/ID/logs?container=NAME&tail=N&since=TIME&timestamps=1`: the last lines of a task's containers as
 * text, each with its container's name in front where there are several.
 */
export async function logText(
  view: AgentView,
  name: string,
  query: URLSearchParams,
  read: ReadContainerLog,
): Promise<Answer> {
  const task = findTask(view, name);
  if (task === undefined)
    return jsonAnswer(404, { error: `no one task has an id that begins with ${name}; /v1/tasks lists all` });
  if (view.runtime.name === 'docker')
    return jsonAnswer(404, { error: 'dockerd keeps the logs of containers: docker logs CONTAINER' });
  const { spec, containers } = task.state;
  const asked = query.get('container');
  const chosen = containers.filter((container) => asked === null || container.name === asked);
  if (chosen.length === 0)
    return jsonAnswer(404, {
      error: `the task has no container ${asked}; it has ${containers.map((c) => c.name).join(', ')}`,
    });
  const tail = Number(query.get('tail') ?? DEFAULT_TAIL);
  if (!Number.isInteger(tail) || tail < 0 || tail > MAX_TAIL)
    return jsonAnswer(400, { error: `tail is a number from 0 to ${MAX_TAIL}` });
  const since = query.get('since');
  if (since !== null && Number.isNaN(Date.parse(since)))
    return jsonAnswer(400, { error: 'since is a time such as 2026-01-31T12:00:00Z' });
  const options = { tail, ...(since !== null && { since: new Date(since) }) };
  let text = '';
  for (const container of chosen) {
    const before = chosen.length > 1 ? `${container.name}: ` : '';
    for await (const line of read(containerIdOf(spec.arn, container.name, container.generation), options))
      text += `${query.has('timestamps') ? `${line.time} ` : ''}${before}${line.text}\n`;
  }
  return textAnswer(200, text);
}
