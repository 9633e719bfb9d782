import { describe, expect, it } from 'vitest';
import type { RoleCredentials } from '../../../src/credentials/credentials-store.ts';
import { EcsApiError } from '../../../src/ecs/ecs-api.ts';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import type { ProtectionResult } from '../../../src/metadata/task-api/protection-route.ts';
import { taskIdOf } from '../../../src/task/ids.ts';
import { sampleContainerState, sampleTask } from '../store/sample-task.ts';
import { roleCredentials, TaskApiWorld } from './task-api-world.ts';

const base = sampleTask('one');
const TASK = {
  ...base,
  spec: { ...base.spec, networkMode: 'bridge', taskCredentialsId: 'id-1' } as const,
  containers: [{ ...sampleContainerState('app'), createdAt: 1 }],
};
const ARN = TASK.spec.arn;
const SCOPE: EndpointScope = { kind: 'task', taskId: taskIdOf(ARN) };

interface Call {
  readonly cluster: string;
  readonly task: string;
  readonly update?: object;
  readonly role: RoleCredentials;
}

function open(answer: () => Promise<ProtectionResult>, withRole = true) {
  const calls: Call[] = [];
  const api = new TaskApiWorld({
    tasks: [TASK],
    protection: {
      getProtection: async (cluster, task, role) => {
        calls.push({ cluster, task, role });
        return await answer();
      },
      updateProtection: async (cluster, task, update, role) => {
        calls.push({ cluster, task, update, role });
        return await answer();
      },
    },
  });
  if (withRole) api.store.put(ARN, 'TaskApplication', roleCredentials('id-1'));
  const path = `/api/${api.ids.idOf(TASK.spec, 'app')}/task-protection/v1/state`;
  return { api, calls, path };
}

const protectedTask = async () => ({
  protectedTasks: [{ taskArn: ARN, protectionEnabled: true, expirationDate: 1_767_225_600.5 }],
});
const nobody = () => Promise.reject(new Error('not to be called'));

describe('task protection', () => {
  it('is read with the role of the task (TMDS-50, TMDS-58)', async () => {
    const { api, calls, path } = open(protectedTask);
    await using _ = api;
    const reply = await api.request(SCOPE, path);
    expect([reply.status, reply.json]).toEqual([
      200,
      {
        protection: {
          ExpirationDate: '2026-01-01T00:00:00.5Z',
          ProtectionEnabled: true,
          TaskArn: ARN,
        },
      },
    ]);
    expect(calls).toEqual([{ cluster: 'peer', task: ARN, role: roleCredentials('id-1') }]);
  });

  it('is set; names of members match in any case', async () => {
    const { api, calls, path } = open(async () => ({
      protectedTasks: [{ taskArn: ARN, protectionEnabled: false }],
      failures: [],
    }));
    await using _ = api;
    const body = '{"protectionenabled":false,"ExpiresInMinutes":5}';
    const reply = await api.request(SCOPE, path, { method: 'PUT', body });
    expect(reply.json).toEqual({
      protection: { ExpirationDate: null, ProtectionEnabled: false, TaskArn: ARN },
    });
    expect(calls[0]?.update).toEqual({ protectionEnabled: false, expiresInMinutes: 5 });
  });

  it('passes a failure of ECS on (TMDS-51)', async () => {
    const { api, path } = open(async () => ({ failures: [{ arn: ARN, reason: 'TASK_NOT_VALID' }] }));
    await using _ = api;
    const reply = await api.request(SCOPE, path);
    expect([reply.status, reply.json]).toEqual([
      200,
      { failure: { Arn: ARN, Detail: null, Reason: 'TASK_NOT_VALID' } },
    ]);
  });

  it.each([
    '{"ProtectionEnabled":true,"Colour":1}',
    '',
    '[]',
    '{"ExpiresInMinutes":1.5}',
    '{"ProtectionEnabled":"yes"}',
  ])('refuses the body %j (TMDS-52)', async (body) => {
    const { api, path } = open(nobody);
    await using _ = api;
    const reply = await api.request(SCOPE, path, { method: 'PUT', body });
    expect([reply.status, reply.json]).toEqual([
      400,
      {
        error: {
          Code: 'InvalidParameterException',
          Message: 'UpdateTaskProtection: failed to decode request',
        },
      },
    ]);
  });

  it('says which member is missing, and of which task (TMDS-53, TMDS-118)', async () => {
    const { api, path } = open(nobody);
    await using _ = api;
    const reply = await api.request(SCOPE, path, { method: 'PUT', body: '{"ExpiresInMinutes":5}' });
    expect([reply.status, reply.json]).toEqual([
      400,
      {
        error: {
          Arn: ARN,
          Code: 'InvalidParameterException',
          Message: "Invalid request: does not contain 'ProtectionEnabled' field",
        },
      },
    ]);
  });

  it('needs a role (TMDS-54)', async () => {
    const { api, path } = open(nobody, false);
    await using _ = api;
    const reply = await api.request(SCOPE, path);
    expect([reply.status, reply.json]).toMatchObject([
      403,
      { error: { Arn: ARN, Code: 'AccessDeniedException' } },
    ]);
  });

  it('passes an error of ECS on with its request id (TMDS-55)', async () => {
    const { api, path } = open(() =>
      Promise.reject(
        new EcsApiError('ThrottlingException', 'GetTaskProtection: …', 400, undefined, {
          message: 'Rate exceeded',
          requestId: 'r-1',
        }),
      ),
    );
    await using _ = api;
    const reply = await api.request(SCOPE, path);
    expect([reply.status, reply.json]).toEqual([
      400,
      { requestID: 'r-1', error: { Arn: ARN, Code: 'ThrottlingException', Message: 'Rate exceeded' } },
    ]);
  });

  it.each(['POST', 'DELETE'])('does not take %s (TMDS-57)', async (method) => {
    const { api, path } = open(nobody);
    await using _ = api;
    const reply = await api.request(SCOPE, path, { method });
    expect([reply.status, reply.body, reply.headers['content-type']]).toEqual([405, '', undefined]);
  });

  it('refuses a body without end', async () => {
    const { api, path } = open(nobody);
    await using _ = api;
    const reply = await api.request(SCOPE, path, { method: 'PUT', body: 'x'.repeat(70_000) });
    expect(reply.status).toBe(413);
  });

  it('that ECS does not answer within four seconds is told as such (TMDS-56)', async () => {
    await using api = new TaskApiWorld({
      tasks: [TASK],
      protection: {
        getProtection: (_cluster, _task, _role, signal) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          }),
        updateProtection: nobody,
      },
    });
    api.store.put(ARN, 'TaskApplication', roleCredentials('id-1'));
    const begun = performance.now();
    const path = `/api/${api.ids.idOf(TASK.spec, 'app')}/task-protection/v1/state`;
    const reply = await api.request(SCOPE, path);
    expect([reply.status, reply.json]).toEqual([
      504,
      {
        error: { Arn: ARN, Code: 'RequestCanceled', Message: 'Timed out calling ECS Task Protection API' },
      },
    ]);
    expect(performance.now() - begun).toBeGreaterThan(3_900);
  });
});
