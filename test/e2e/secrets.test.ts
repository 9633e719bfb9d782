import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type AgentOptions, startAgent, type TestAgent } from '../support/agent.ts';
import { AwsDouble } from '../support/aws-double.ts';
import { startContainerd, type TestContainerd } from '../support/containerd.ts';
import { type LeakCheck, leakCheck } from '../support/leak-check.ts';
import { pushTestImage } from '../support/push-image.ts';
import { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';
import {
  filesUnder,
  fromManager,
  fromSsm,
  INSTANCE,
  ROLE,
  roleCredentials,
  SECRET_ARN,
  SecretTasks,
  type Wishes,
} from './secret-tasks.ts';

const NAMESPACE = `ecs-t${process.pid}`;

let containerd: TestContainerd;
let open: TestRegistry;
let closed: TestRegistry;
let scratch: Scratch;
let aws: AwsDouble;
let ecs: RecordingControlPlane;
let agent: TestAgent;
let leaks: LeakCheck;
let privateImage: string;
let tasks: SecretTasks;

beforeAll(async () => {
  scratch = makeScratch();
  [containerd, open, closed, aws, ecs] = await Promise.all([
    startContainerd(),
    startRegistry(),
    startRegistry({ auth: 'basic' }),
    AwsDouble.start(),
    RecordingControlPlane.start(),
  ]);
  aws.keys.push(INSTANCE, ROLE);
  tasks = new SecretTasks(ecs, (await pushTestImage(open, 'public:1')).reference);
  privateImage = (await pushTestImage(closed, 'private:1')).reference;
  leaks = await leakCheck({
    containerd,
    namespaces: [NAMESPACE],
    cgroups: [`/${NAMESPACE}`],
    ignore: (finding) => finding.endsWith(`/${NAMESPACE}`),
  });
  const options: AgentOptions = {
    controlPlaneUrl: ecs.url,
    containerdAddress: containerd.address,
    dataDir: scratch.path('data'),
    runDir: scratch.path('run'),
    namespace: NAMESPACE,
    logFile: scratch.path('agent.log'),
    env: {
      ECS_CLUSTER: 'peer',
      AWS_ENDPOINT_URL: aws.url,
      ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: '1s',
      ECS_LOGLEVEL: 'debug',
    },
  };
  agent = await startAgent(options);
}, 120_000);
afterAll(async () => {
  await agent?.[Symbol.asyncDispose]();
  await Promise.all([
    containerd?.stop(),
    open?.stop(),
    closed?.stop(),
    aws?.[Symbol.asyncDispose](),
    ecs?.[Symbol.asyncDispose](),
  ]);
  await scratch?.remove();
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

const ecr = (registryId: string, useExecutionRole: boolean) => ({
  type: 'ecr',
  ecrAuthData: { registryId, region: 'us-west-2', useExecutionRole },
});

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

describe('a registry that wants a login', () => {
  const login = ({ user }: TestRegistry) => `${user?.username}:${user?.password}`;
  const run = (auth: object, wishes: Partial<Wishes> = {}) =>
    tasks.run({
      ...wishes,
      container: { image: privateImage, command: ['true'], registryAuthentication: auth },
    });

  it('is given the token of ECR, got as the execution role and as the instance', async () => {
    aws.registries.set('111111111111', { login: login(closed), lifeMs: 12 * 3_600_000 });
    for (const [useExecutionRole, key] of [
      [true, ROLE],
      [false, INSTANCE],
    ] as const) {
      expect((await tasks.stopped(run(ecr('111111111111', useExecutionRole)))).containers?.[0]).toMatchObject(
        {
          exitCode: 0,
        },
      );
      expect(aws.calls.map(({ operation, accessKeyId }) => [operation, accessKeyId])).toEqual([
        ['ecr.GetAuthorizationToken', key.accessKeyId],
      ]);
      aws.calls.length = 0;
    }
  });

  it('is given the login out of Secrets Manager', async () => {
    const { user } = closed;
    aws.secrets.set(`${SECRET_ARN}:registry`, JSON.stringify(user));
    const auth = {
      type: 'asm',
      asmAuthData: { credentialsParameter: `${SECRET_ARN}:registry`, region: 'us-west-2' },
    };
    expect((await tasks.stopped(run(auth))).containers?.[0]).toMatchObject({ exitCode: 0 });
    expect(aws.operations).toContain('secretsmanager.GetSecretValue');
  });

  it('fails the pull with the name that alarms match on, where there is no login', async () => {
    const missing = await pushTestImage(closed, 'missing:1');
    const fails = async (auth: object, wishes: Partial<Wishes> = {}) => {
      const arn = tasks.run({
        ...wishes,
        container: { image: missing.reference, registryAuthentication: auth },
      });
      return (await tasks.stopped(arn)).containers?.find(({ reason }) => reason !== undefined)?.reason;
    };
    expect(await fails(ecr('222222222222', true))).toMatch(
      /^CannotPullECRContainerError: .*registry 222222222222.*: the service gave 0 logins/,
    );
    expect(await fails(ecr('111111111111', true), { withoutRole: true })).toMatch(
      /^CannotPullECRContainerError: the credentials of the execution role are missing/,
    );
    const gone = {
      type: 'asm',
      asmAuthData: { credentialsParameter: `${SECRET_ARN}:none`, region: 'us-west-2' },
    };
    expect(await fails(gone)).toMatch(/^CannotPullContainerAuthError: .*ResourceNotFoundException/);
  });
});

it('leaves nothing behind', async () => {
  await until(async () => (await agent.ask())?.tasks.length === 0, {
    what: 'the agent has forgotten its tasks',
    timeoutMs: 30_000,
  });
  await leaks.expectNone();
});
