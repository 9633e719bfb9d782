import { describe, expect, it } from 'vitest';
import type { EndpointScope } from '../../../src/metadata/task-api/endpoint-tasks.ts';
import { type TaskArn, taskIdOf } from '../../../src/task/ids.ts';
import type { TaskSpec } from '../../../src/task/task-spec.ts';
import type { TaskState } from '../../../src/task/task-state.ts';
import { arnOf, sampleTask } from '../store/sample-task.ts';
import { roleCredentials, TaskApiWorld } from './task-api-world.ts';

const HOST: EndpointScope = { kind: 'host' };
const scopeOf = (arn: TaskArn): EndpointScope => ({ kind: 'task', taskId: taskIdOf(arn) });

function taskWithRoles(id: string, changes: Partial<TaskSpec>): TaskState {
  const task = sampleTask(id);
  return { ...task, spec: { ...task.spec, ...changes } };
}

const ONE = taskWithRoles('one', {
  networkMode: 'bridge',
  taskCredentialsId: 'id-1',
  executionCredentialsId: 'id-x',
});
const TWO = taskWithRoles('two', { networkMode: 'bridge', taskCredentialsId: 'id-2' });

function world() {
  const made = new TaskApiWorld({ tasks: [ONE, TWO] });
  made.store.put(ONE.spec.arn, 'TaskApplication', roleCredentials('id-1'));
  made.store.put(ONE.spec.arn, 'TaskExecution', roleCredentials('id-x', 'arn:aws:iam::1:role/execution'));
  made.store.put(TWO.spec.arn, 'TaskApplication', roleCredentials('id-2'));
  return made;
}

describe('credentials of a role', () => {
  it('are given by both paths with exactly these members (TMDS-5, TMDS-90)', async () => {
    await using api = world();
    const first = await api.request(scopeOf(ONE.spec.arn), '/v1/credentials?id=id-1');
    const second = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1');
    expect(first.status).toBe(200);
    expect(second.body).toBe(first.body);
    expect(Object.entries(first.json as object)).toEqual([
      ['RoleArn', 'arn:aws:iam::123456789012:role/task'],
      ['AccessKeyId', 'AKID-id-1'],
      ['SecretAccessKey', 'SECRET-id-1'],
      ['Token', 'TOKEN-id-1'],
      ['Expiration', '2030-01-01T00:00:00Z'],
    ]);
    expect(first.headers['content-type']).toBe('application/json');
  });

  it('are given for the execution role by its own id (TMDS-12, OBS-113)', async () => {
    await using api = world();
    const { json } = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-x');
    expect(json).toMatchObject({ RoleArn: 'arn:aws:iam::1:role/execution', AccessKeyId: 'AKID-id-x' });
  });

  it('are new after they were sent again (TMDS-93)', async () => {
    await using api = world();
    api.store.put(ONE.spec.arn, 'TaskApplication', { ...roleCredentials('id-1'), accessKeyId: 'RENEWED' });
    const { json } = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1');
    expect(json).toMatchObject({ AccessKeyId: 'RENEWED' });
  });

  it.each([
    ['V1', '/v1/credentials', 'NoIdInRequest', 'No Credential ID in the request'],
    ['V2', '/v2/credentials/', 'NoIdInRequest', 'No Credential ID in the request'],
    ['V1', '/v1/credentials?id=nope', 'InvalidIdInRequest', 'Credentials not found'],
    ['V2', '/v2/credentials/nope', 'InvalidIdInRequest', 'Credentials not found'],
    ['V2', '/v2/credentials/a/b', 'InvalidIdInRequest', 'Credentials not found'],
  ])('%s %s is refused as %s (TMDS-91, TMDS-92)', async (version, path, code, text) => {
    await using api = world();
    const { status, json } = await api.request(scopeOf(ONE.spec.arn), path);
    expect([status, json]).toEqual([
      400,
      { code, message: `Credentials${version}Request: ${text}`, HTTPErrorCode: 400 },
    ]);
  });

  it('an absent id is told from an unknown one (TMDS-6, TMDS-7, TMDS-8)', async () => {
    await using api = world();
    const codes = await Promise.all(
      ['/v2/credentials/', '/v1/credentials', '/v2/credentials/unknown'].map(
        async (path) => (await api.request(scopeOf(ONE.spec.arn), path)).json,
      ),
    );
    expect(codes.map((json) => (json as { code: string }).code)).toEqual([
      'NoIdInRequest',
      'NoIdInRequest',
      'InvalidIdInRequest',
    ]);
  });

  it('that are to come again are 503 until they come (TMDS-9, OBS-111)', async () => {
    await using api = new TaskApiWorld({ tasks: [ONE] });
    const { status, json } = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1');
    expect(status).toBe(503);
    expect(json).toMatchObject({ code: 'CredentialsUninitialized', HTTPErrorCode: 503 });
    api.store.put(ONE.spec.arn, 'TaskApplication', roleCredentials('id-1'));
    expect((await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1')).status).toBe(200);
  });

  it('are not given once their task has stopped, though they are still here (OBS-112)', async () => {
    await using api = world();
    api.tasks = [{ ...ONE, known: 'STOPPED' }, TWO];
    const { status, json } = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1');
    expect([status, json]).toEqual([400, expect.objectContaining({ code: 'InvalidIdInRequest' })]);
    expect(api.store.get('id-1')).toBeDefined();
  });

  it('end with their task (TMDS-10)', async () => {
    await using api = world();
    api.tasks = [TWO];
    api.store.removeTask(ONE.spec.arn);
    const { status, json } = await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-1');
    expect([status, json]).toEqual([400, expect.objectContaining({ code: 'InvalidIdInRequest' })]);
  });

  it('are never given to another task, not even to one that knows the id', async () => {
    await using api = world();
    for (const scope of [scopeOf(TWO.spec.arn), HOST]) {
      const { status, body } = await api.request(scope, '/v2/credentials/id-1');
      expect(status).toBe(400);
      expect(body).not.toContain('SECRET');
    }
  });
});

describe('the audit of credentials', () => {
  it('tells the task and the kind of role of what was given, and nothing of refusals (TMDS-94)', async () => {
    await using api = world();
    await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/id-x');
    await api.request(scopeOf(ONE.spec.arn), '/v2/credentials/nope');
    await api.request(scopeOf(ONE.spec.arn), '/v4/nope');
    expect(api.audited).toEqual([
      expect.objectContaining({ status: 200, taskArn: arnOf('one'), roleType: 'TaskExecution' }),
      expect.not.objectContaining({ taskArn: expect.anything() }),
    ]);
  });

  it('has a line for each request that is one too many, whatever its path', async () => {
    await using api = new TaskApiWorld({ tasks: [ONE], limit: { steady: 0.001, burst: 1 } });
    await api.request(HOST, '/v4/nope');
    await api.request(HOST, '/v4/nope');
    expect(api.audited).toEqual([expect.objectContaining({ status: 429, path: '/v4/nope' })]);
  });
});
