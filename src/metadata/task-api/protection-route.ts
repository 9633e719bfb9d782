import type { CredentialsStore, RoleCredentials } from '../../credentials/credentials-store.ts';
import { EcsApiError } from '../../ecs/ecs-api.ts';
import { z } from '../../schema.ts';
import { goTime } from '../go-time.ts';
import { type Answer, jsonAnswer } from './answer.ts';
import type { EndpointScope, EndpointTasks } from './endpoint-tasks.ts';

/** ECS has this long; an answer must be written within five seconds (metadata-endpoints.md §1). */
const ECS_TIMEOUT_MS = 4000;

/** What ECS answers to both calls. */
export interface ProtectionResult {
  readonly protectedTasks?:
    | readonly {
        readonly taskArn?: string | null | undefined;
        readonly protectionEnabled?: boolean | null | undefined;
        /** Epoch seconds. */
        readonly expirationDate?: number | null | undefined;
      }[]
    | null
    | undefined;
  readonly failures?:
    | readonly {
        readonly arn?: string | null | undefined;
        readonly detail?: string | null | undefined;
        readonly reason?: string | null | undefined;
      }[]
    | null
    | undefined;
}

/** Calls on behalf of a task, signed with its role. */
export interface ProtectionCalls {
  getProtection(
    cluster: string,
    task: string,
    role: RoleCredentials,
    signal: AbortSignal,
  ): Promise<ProtectionResult>;
  updateProtection(
    cluster: string,
    task: string,
    update: { readonly protectionEnabled: boolean; readonly expiresInMinutes?: number },
    role: RoleCredentials,
    signal: AbortSignal,
  ): Promise<ProtectionResult>;
}

export interface ProtectionSources {
  readonly tasks: EndpointTasks;
  readonly store: CredentialsStore;
  readonly protection: ProtectionCalls;
  instance(): { readonly cluster: string };
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const updateSchema = z.strictObject({
  protectionenabled: z.nullish(z.boolean()),
  expiresinminutes: z.nullish(z.int().check(z.minimum(INT32.min), z.maximum(INT32.max))),
});

/** Reads or sets the scale-in protection of the caller's task (metadata-endpoints.md §6). */
export async function answerProtection(
  sources: ProtectionSources,
  scope: EndpointScope,
  endpointId: string,
  request: { readonly method: string; readonly body: string },
): Promise<Answer> {
  const update = request.method === 'PUT' ? parseUpdate(request.body) : undefined;
  if (update === 'undecodable')
    return failure(400, 'InvalidParameterException', 'UpdateTaskProtection: failed to decode request');
  const container = sources.tasks.find(scope, endpointId);
  if (container === undefined)
    return failure(404, 'ResourceNotFoundException', 'Failed to find a task for the request');
  const { arn, taskCredentialsId } = container.task.spec;
  const enabled = update?.protectionenabled;
  if (update !== undefined && enabled == null)
    return failure(
      400,
      'InvalidParameterException',
      "Invalid request: does not contain 'ProtectionEnabled' field",
      arn,
    );
  const role = taskCredentialsId === undefined ? undefined : sources.store.get(taskCredentialsId);
  if (role === undefined)
    return failure(
      403,
      'AccessDeniedException',
      'Invalid Request: no task IAM role credentials available for task',
      arn,
    );
  const { cluster } = sources.instance();
  const minutes = update?.expiresinminutes;
  const signal = AbortSignal.timeout(ECS_TIMEOUT_MS);
  try {
    const result =
      enabled == null
        ? await sources.protection.getProtection(cluster, arn, role, signal)
        : await sources.protection.updateProtection(
            cluster,
            arn,
            { protectionEnabled: enabled, ...(minutes != null && { expiresInMinutes: minutes }) },
            role,
            signal,
          );
    return resultAnswer(result, arn);
  } catch (error) {
    return errorAnswer(error, arn, signal);
  }
}

function resultAnswer({ protectedTasks, failures }: ProtectionResult, arn: string): Answer {
  const [failed, ...moreFailures] = failures ?? [];
  const [task, ...moreTasks] = protectedTasks ?? [];
  const unexpected =
    moreFailures.length > 0 || moreTasks.length > 0 || (failed === undefined && task === undefined);
  if (unexpected) return failure(500, 'ServerException', 'Unexpected error occurred', arn);
  if (failed !== undefined) {
    const { arn: failedArn, detail, reason } = failed;
    return jsonAnswer(200, {
      failure: { Arn: failedArn ?? null, Detail: detail ?? null, Reason: reason ?? null },
    });
  }
  const expires = task?.expirationDate;
  return jsonAnswer(200, {
    protection: {
      ExpirationDate: expires == null ? null : goTime(expires * 1000),
      ProtectionEnabled: task?.protectionEnabled ?? false,
      TaskArn: task?.taskArn ?? arn,
    },
  });
}

function errorAnswer(error: unknown, arn: string, signal: AbortSignal): Answer {
  if (signal.aborted)
    return failure(504, 'RequestCanceled', 'Timed out calling ECS Task Protection API', arn);
  if (!(error instanceof EcsApiError))
    return failure(500, 'ServerException', error instanceof Error ? error.message : String(error), arn);
  if (error.httpStatus === 0) return failure(500, error.code, error.message, arn);
  const { message = error.message, requestId } = error.answer ?? {};
  return failure(error.httpStatus, error.code, message, arn, requestId);
}

function failure(status: number, code: string, message: string, arn?: string, requestId?: string): Answer {
  return jsonAnswer(status, {
    ...(requestId !== undefined && { requestID: requestId }),
    error: { ...(arn !== undefined && { Arn: arn }), Code: code, Message: message },
  });
}

/** Names of members match whatever their case; unknown ones are refused (§6). */
function parseUpdate(body: string): z.output<typeof updateSchema> | 'undecodable' {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'undecodable';
    const lowered = Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name.toLowerCase(), member]),
    );
    const parsed = updateSchema.safeParse(lowered);
    return parsed.success ? parsed.data : 'undecodable';
  } catch {
    return 'undecodable';
  }
}
