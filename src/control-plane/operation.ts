import type { z } from '../schema.ts';
import { withoutNulls } from '../wire/ecs-api.ts';
import { invalidParameter } from './api-error.ts';
import type { Settings } from './settings.ts';
import type { State } from './state/state.ts';

/** What operations need of the live connections. */
export interface Agents {
  isConnected(containerInstanceArn: string): boolean;
  /** Sends the instance what waits for it. */
  wake(containerInstanceArn: string): void;
  /** Ends the instance's connections. */
  disconnect(containerInstanceArn: string): void;
}

/** One API call. Operations run inside one transaction and are synchronous, so calls never interleave. */
export interface Call {
  readonly state: State;
  readonly agents: Agents;
  readonly settings: Settings;
  readonly nowMs: number;
  /** Base URL as the caller reached this control plane, without a slash at the end. */
  readonly baseUrl: string;
  /** Runs `action` when the transaction is on disk; not at all when the call fails. */
  afterCommit(action: () => void): void;
}

/** An operation takes the request's JSON and returns the answer's. */
export type Operation = (body: unknown, call: Call) => object;

/** Makes an operation of a schema and a handler; a body that does not fit is an InvalidParameterException. */
export function operation<S extends z.ZodMiniType>(
  schema: S,
  handle: (input: z.infer<S>, call: Call) => object,
): Operation {
  return (body, call) => {
    const parsed = schema.safeParse(withoutNulls(body));
    if (!parsed.success) {
      const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
      throw invalidParameter(`Invalid request: ${problems.join('; ')}`);
    }
    return handle(parsed.data, call);
  };
}
