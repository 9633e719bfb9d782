import type { SigningKey } from './http/signature.ts';
import type { Settings } from './settings.ts';
import type { State } from './state/state.ts';

/**
 * The key of an access key id: the configured one, or one of those issued to task roles, with which a task
 * asks for its protection (ecs-api.md §A2.4).
 */
export function keyOf(accessKeyId: string, state: State, settings: Settings): SigningKey | undefined {
  if (accessKeyId === settings.accessKeyId) return { secretAccessKey: settings.secretAccessKey };
  return state.tasks
    .values()
    .flatMap(({ roleCredentials, executionRoleCredentials }) => [roleCredentials, executionRoleCredentials])
    .find((credentials) => credentials?.accessKeyId === accessKeyId);
}
