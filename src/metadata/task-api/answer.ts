import { goJson } from '../go-json.ts';

/** What a request is answered with. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Steady rate of a limit of the path's own, told beside that of all requests. */
  readonly ownLimit?: number;
}

/** Statuses and texts are the Amazon ECS agent's, to the byte (metadata-endpoints.md §1.1). */
export function jsonAnswer(status: number, value: unknown): Answer {
  return { status, contentType: 'application/json', body: goJson(value) };
}

export function textAnswer(status: number, body: string): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body };
}

export const NOT_FOUND: Answer = textAnswer(404, '404 page not found\n');
/** A path of the agent's API that does not take the method. */
export const METHOD_NOT_ALLOWED: Answer = { status: 405, contentType: '', body: '' };
