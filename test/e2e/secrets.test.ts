import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { TestAgent } from '../support/agent.ts';
import type { AwsDouble } from '../support/aws-double.ts';
import type { RecordingControlPlane } from '../support/recording-control-plane.ts';
import type { Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import {
  filesUnder,
  fromManager,
  fromSsm,
  ROLE,
  roleCredentials,
  SECRET_ARN,
  type SecretTasks,
  type Wishes,
} from './secret-tasks.ts';
import { type SecretWorld, startSecretWorld } from './secret-world.ts';

let world: SecretWorld;
let scratch: Scratch;
let aws: AwsDouble;
let ecs: RecordingControlPlane;
let agent: TestAgent;
let tasks: SecretTasks;

beforeAll(async () => {
  world = await startSecretWorld();
  ({ scratch, aws, ecs, agent, tasks } = world);
}, 120_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
}, 60_000);
beforeEach(() => {
  aws.calls.length = 0;
  aws.refuse = () => undefined;
  aws.hold = async () => {};
});

/** What `env` printed in the container, by name. */
async function environmentOf(arn: string): Promise<Readonly<Record<string, string>>> {
  const report = await tasks.stopped(arn);
  expect(report.containers?.[0], JSON.stringify(report)).toMatchObject({ exitCode: 0 });
  const lines = await until(
    () => {
      const logs = filesUnder(scratch.path('data/logs')).filter((file) => file.endsWith('-json.log'));
      const ours = logs
        .map((file) => readFileSync(file, 'utf8'))
        .find((text) => text.includes(arn.slice(-32)));
      return ours?.trim().split('\n');
    },
    { what: 'the output of the container', timeoutMs: 10_000 },
  );
  return Object.fromEntries(
    lines.map((line) => {
      const text: string = JSON.parse(line).log.trimEnd();
      const at = text.indexOf('=');
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

describe('secrets and environment files', () => {
  it('are given to the container, secrets over the definition and that over files (RES-19, RES-29, RES-31)', async () => {
    aws.parameters.set('/token', 'hush-parameter').set('/over', 'hush-over');
    aws.secrets
      .set(`${SECRET_ARN}:db`, '{"user":"hush-user","port":5432}')
      .set(`${SECRET_ARN}:db#v1`, 'hush-first');
    aws.objects.set('cfg/one.env', 'FILE=hush-file\nOVER=file\nDEFINED=file\n#NO=1');
    aws.objects.set('cfg/two.env', 'FILE=second\nLAST=two');
    const arn = tasks.run({
      container: {
        environment: { DEFINED: 'definition', OVER: 'definition', TASK: tasks.nextId },
        environmentFiles: ['one', 'two'].map((name) => ({
          value: `arn:aws:s3:::cfg/${name}.env`,
          type: 's3',
        })),
        secrets: [
          fromSsm('TOKEN', '/token'),
          fromSsm('OVER', '/over'),
          fromManager('DB', `${SECRET_ARN}:db`),
          fromManager('DB_USER', `${SECRET_ARN}:db:user::`),
          fromManager('DB_PORT', `${SECRET_ARN}:db:port::`),
          fromManager('DB_FIRST', `${SECRET_ARN}:db:::v1`),
        ],
      },
    });
    expect(await environmentOf(arn)).toMatchObject({
      TOKEN: 'hush-parameter',
      OVER: 'hush-over',
      DB: '{"user":"hush-user","port":5432}',
      DB_USER: 'hush-user',
      DB_PORT: '5432',
      DB_FIRST: 'hush-first',
      FILE: 'hush-file',
      LAST: 'two',
      DEFINED: 'definition',
    });
    expect(new Set(aws.calls.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set([ROLE.accessKeyId]));
    const shown = [
      readFileSync(scratch.path('agent.log'), 'utf8'),
      JSON.stringify(await agent.ask()),
      JSON.stringify(ecs.lines.filter(({ dir }) => dir === 'in')),
      // The program itself printed them into its log.
      ...filesUnder(scratch.path('data'))
        .filter((file) => !file.endsWith('-json.log') && !file.endsWith('spool'))
        .map((file) => readFileSync(file, 'latin1')),
    ];
    for (const text of shown) expect(text).not.toContain('hush-');
  });

  it('hold up no other task while they are slow, and are fetched again after kill -9', async () => {
    aws.parameters.set('/slow', 'in the end');
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    aws.hold = () => held;
    const slow = tasks.run({
      container: {
        environment: { TASK: tasks.nextId },
        secrets: [fromSsm('SLOW', '/slow')],
      },
    });
    await until(() => aws.calls.length > 0, { what: 'the parameter is asked for', timeoutMs: 30_000 });
    const other = tasks.run({ container: { command: ['true'] } });
    expect((await tasks.stopped(other)).containers?.[0]).toMatchObject({ exitCode: 0 });
    const view = await agent.ask();
    expect(JSON.stringify(view)).toContain('which are being fetched (/slow)');

    await agent.kill('SIGKILL');
    release();
    aws.calls.length = 0;
    await agent.start();
    // Without the role's keys, which only ECS has, nothing is asked and nothing fails.
    await until(async () => JSON.stringify(await agent.ask()).includes('have not come from ECS yet'), {
      what: 'the task waits for the credentials of its role',
      timeoutMs: 30_000,
    });
    expect(aws.calls).toEqual([]);
    await until(() => ecs.connected('acs'), { what: 'the agent is back', timeoutMs: 30_000 });
    ecs.send('acs', 'IAMRoleCredentialsMessage', {
      messageId: 'renewed',
      taskArn: slow,
      roleType: 'TaskExecution',
      roleCredentials: roleCredentials('c-slow'),
    });
    expect(await environmentOf(slow)).toMatchObject({ SLOW: 'in the end' });
  });

  it('stop the task with a reason of their own, which begins as a sentence (RES-01, RES-118)', async () => {
    aws.refuse = ({ operation }) =>
      operation === 'ssm.GetParameters'
        ? { status: 400, code: 'AccessDeniedException', message: 'not allowed to ssm:GetParameters' }
        : undefined;
    const cases: readonly (readonly [Wishes, RegExp])[] = [
      [
        { container: { secrets: [fromSsm('A', '/a')] } },
        /^Fetching secrets from SSM Parameter Store in us-west-2: AccessDeniedException: not allowed to ssm:GetParameters$/,
      ],
      [
        { container: { secrets: [fromManager('A', `${SECRET_ARN}:gone`)] } },
        /^ResourceNotFoundException: check that the secret "arn:[^"]+:gone" exists in us-west-2: /,
      ],
      [
        { container: { environmentFiles: [{ value: 'arn:aws:s3:::cfg/none.env', type: 's3' }] } },
        /^Downloading the environment file none.env from bucket cfg: NoSuchKey/,
      ],
      [
        { withoutRole: true, container: { secrets: [fromSsm('A', '/a')] } },
        /^The credentials of the execution role are missing: /,
      ],
    ];
    const arns = cases.map(([wishes]) => tasks.run(wishes));
    for (const [index, [, reason]] of cases.entries()) {
      const report = await tasks.stopped(arns[index] ?? '');
      expect(report.reason).toMatch(reason);
      expect(report.containers?.some(({ exitCode }) => exitCode !== undefined) ?? false).toBe(false);
    }
  });
});

it('leaves nothing behind', async () => {
  await world.expectClean();
});
