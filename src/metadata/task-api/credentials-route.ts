import type { CredentialsStore, RoleType } from '../../credentials/credentials-store.ts';
import type { AuditEntry } from '../audit-log.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import type { EndpointScope, EndpointTasks } from './endpoint-tasks.ts';

export type CredentialsApi = 'V1' | 'V2';

export interface CredentialsAnswer extends Answer {
  readonly granted?: Required<Pick<AuditEntry, 'taskArn' | 'roleType'>>;
}

export interface CredentialsSources {
  readonly tasks: EndpointTasks;
  readonly store: CredentialsStore;
}

/**
 * The credentials of a role by their id, as AWS SDKs ask for them (metadata-endpoints.md §2). Whoever calls
 * through a task's own listener gets that task's only.
 */
export function answerCredentials(
  { tasks, store }: CredentialsSources,
  scope: EndpointScope,
  api: CredentialsApi,
  id: string,
): CredentialsAnswer {
  const failure = (status: number, code: string, text: string) =>
    jsonAnswer(status, { code, message: `Credentials${api}Request: ${text}`, HTTPErrorCode: status });
  if (id === '') return failure(400, 'NoIdInRequest', 'No Credential ID in the request');
  const owner = ownerOf(tasks, scope, id);
  if (owner === undefined) return failure(400, 'InvalidIdInRequest', 'Credentials not found');
  const credentials = store.get(id);
  if (credentials === undefined)
    return failure(503, 'CredentialsUninitialized', 'Credentials uninitialized for ID');
  const answer = jsonAnswer(200, {
    RoleArn: credentials.roleArn,
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    Token: credentials.sessionToken,
    Expiration: credentials.expiration,
  });
  return { ...answer, granted: owner };
}

/**
 * Ids are known by the task that they came with, also before their values have come again (TMDS-9), and until it has
 * stopped (OBS-112).
 */
function ownerOf(
  tasks: EndpointTasks,
  scope: EndpointScope,
  id: string,
): { readonly taskArn: string; readonly roleType: RoleType } | undefined {
  for (const { spec, known } of tasks.inScope(scope)) {
    if (known === 'STOPPED') continue;
    if (spec.taskCredentialsId === id) return { taskArn: spec.arn, roleType: 'TaskApplication' };
    if (spec.executionCredentialsId === id) return { taskArn: spec.arn, roleType: 'TaskExecution' };
  }
  return undefined;
}
