import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
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

const NAMESPACE = `ecs-t${process.pid}`;
const ARN = 'arn:aws:secretsmanager:us-west-2:123456789012:secret';
const INSTANCE = { accessKeyId: 'test', secretAccessKey: 'test' };
const ROLE = { accessKeyId: 'AKIDROLE', secretAccessKey: 'role-secret', sessionToken: 'role-token' };

let containerd: TestContainerd;
let open: TestRegistry;
let closed: TestRegistry;
let scratch: Scratch;
let aws: AwsDouble;
let ecs: RecordingControlPlane;
let agent: TestAgent;
let leaks: LeakCheck;
let publicImage: string;
let privateImage: string;
let count = 0;

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
  publicImage = (await pushTestImage(open, 'public:1')).reference;
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

const credentials = (credentialsId: string) => ({
  credentialsId,
  roleArn: 'arn:aws:iam::123456789012:role/execution',
  ...ROLE,
  expiration: new Date(Date.now() + 3_600_000).toISOString(),
});

interface Wishes {
  readonly container: Readonly<Record<string, unknown>>;
  readonly withoutRole?: boolean;
}

/** Sends a task of one container; gives its ARN. */
function runTask({ container, withoutRole = false }: Wishes): string {
  count += 1;
  const id = String(count).padStart(32, '0');
  const arn = `arn:aws:ecs:us-west-2:123456789012:task/peer/${id}`;
  ecs.send('acs', 'PayloadMessage', {
    clusterArn: 'arn:aws:ecs:us-west-2:123456789012:cluster/peer',
    containerInstanceArn: ecs.containerInstanceArn,
    messageId: `m-${count}`,
    generatedAt: 0,
    seqNum: count,
    tasks: [
      {
        arn,
        family: 'fam',
        version: '1',
        desiredStatus: 'RUNNING',
        networkMode: 'host',
        ...(!withoutRole && { executionRoleCredentials: credentials(`c-${count}`) }),
        containers: [
          {
            name: 'app',
            image: publicImage,
            essential: true,
            cpu: 0,
            memory: 64,
            command: ['env'],
            ...container,
          },
        ],
      },
    ],
  });
  return arn;
}

interface ContainerReport {
  readonly containerName?: string;
  readonly exitCode?: number;
  readonly reason?: string;
}

interface Report {
  readonly task?: string;
  readonly status?: string;
  readonly reason?: string;
  readonly containers?: readonly ContainerReport[];
}

const reportsOf = (arn: string): readonly Report[] => ecs.reports.filter(({ task }) => task === arn);

async function stopped(arn: string): Promise<Report> {
  return await until(() => reportsOf(arn).find(({ status }) => status === 'STOPPED'), {
    what: `${arn} is STOPPED`,
    timeoutMs: 60_000,
  });
}

/** What `env` printed in the container, by name. */
async function environmentOf(arn: string): Promise<Readonly<Record<string, string>>> {
  const report = await stopped(arn);
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

function filesUnder(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
}

const fromSsm = (name: string, valueFrom: string) => ({
  name,
  valueFrom,
  region: 'us-west-2',
  provider: 'ssm',
  type: 'ENVIRONMENT_VARIABLE',
  target: 'CONTAINER',
});
const fromManager = (name: string, valueFrom: string) => ({ ...fromSsm(name, valueFrom), provider: 'asm' });
const ecr = (registryId: string, useExecutionRole: boolean) => ({
  type: 'ecr',
  ecrAuthData: { registryId, region: 'us-west-2', useExecutionRole },
});

describe('secrets and environment files', () => {
  it('are given to the container, secrets over the definition and that over files (RES-19, RES-29, RES-31)', async () => {
    aws.parameters.set('/token', 'hush-parameter').set('/over', 'hush-over');
    aws.secrets.set(`${ARN}:db`, '{"user":"hush-user","port":5432}').set(`${ARN}:db#v1`, 'hush-first');
    aws.objects.set('cfg/one.env', 'FILE=hush-file\nOVER=file\nDEFINED=file\n#NO=1');
    aws.objects.set('cfg/two.env', 'FILE=second\nLAST=two');
    const arn = runTask({
      container: {
        environment: { DEFINED: 'definition', OVER: 'definition', TASK: String(count + 1).padStart(32, '0') },
        environmentFiles: ['one', 'two'].map((name) => ({
          value: `arn:aws:s3:::cfg/${name}.env`,
          type: 's3',
        })),
        secrets: [
          fromSsm('TOKEN', '/token'),
          fromSsm('OVER', '/over'),
          fromManager('DB', `${ARN}:db`),
          fromManager('DB_USER', `${ARN}:db:user::`),
          fromManager('DB_PORT', `${ARN}:db:port::`),
          fromManager('DB_FIRST', `${ARN}:db:::v1`),
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
    const slow = runTask({
      container: {
        environment: { TASK: String(count + 1).padStart(32, '0') },
        secrets: [fromSsm('SLOW', '/slow')],
      },
    });
    await until(() => aws.calls.length > 0, { what: 'the parameter is asked for', timeoutMs: 30_000 });
    const other = runTask({ container: { command: ['true'] } });
    expect((await stopped(other)).containers?.[0]).toMatchObject({ exitCode: 0 });
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
      roleCredentials: credentials('c-slow'),
    });
    expect(await environmentOf(slow)).toMatchObject({ SLOW: 'in the end' });
  });

  it('stop the task with a reason of their own (RES-01)', async () => {
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
        { container: { secrets: [fromManager('A', `${ARN}:gone`)] } },
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
    const arns = cases.map(([wishes]) => runTask(wishes));
    for (const [index, [, reason]] of cases.entries()) {
      const report = await stopped(arns[index] ?? '');
      expect(report.reason).toMatch(reason);
      expect(report.containers?.some(({ exitCode }) => exitCode !== undefined) ?? false).toBe(false);
    }
  });
});

describe('a registry that wants a login', () => {
  const login = ({ user }: TestRegistry) => `${user?.username}:${user?.password}`;
  const run = (auth: object, wishes: Partial<Wishes> = {}) =>
    runTask({
      ...wishes,
      container: { image: privateImage, command: ['true'], registryAuthentication: auth },
    });

  it('is given the token of ECR, got as the execution role and as the instance', async () => {
    aws.registries.set('111111111111', { login: login(closed), lifeMs: 12 * 3_600_000 });
    for (const [useExecutionRole, key] of [
      [true, ROLE],
      [false, INSTANCE],
    ] as const) {
      expect((await stopped(run(ecr('111111111111', useExecutionRole)))).containers?.[0]).toMatchObject({
        exitCode: 0,
      });
      expect(aws.calls.map(({ operation, accessKeyId }) => [operation, accessKeyId])).toEqual([
        ['ecr.GetAuthorizationToken', key.accessKeyId],
      ]);
      aws.calls.length = 0;
    }
  });

  it('is given the login out of Secrets Manager', async () => {
    const { user } = closed;
    aws.secrets.set(`${ARN}:registry`, JSON.stringify(user));
    const auth = {
      type: 'asm',
      asmAuthData: { credentialsParameter: `${ARN}:registry`, region: 'us-west-2' },
    };
    expect((await stopped(run(auth))).containers?.[0]).toMatchObject({ exitCode: 0 });
    expect(aws.operations).toContain('secretsmanager.GetSecretValue');
  });

  it('fails the pull with the name that alarms match on, where there is no login', async () => {
    const missing = await pushTestImage(closed, 'missing:1');
    const fails = async (auth: object, wishes: Partial<Wishes> = {}) => {
      const arn = runTask({
        ...wishes,
        container: { image: missing.reference, registryAuthentication: auth },
      });
      return (await stopped(arn)).containers?.find(({ reason }) => reason !== undefined)?.reason;
    };
    expect(await fails(ecr('222222222222', true))).toMatch(
      /^CannotPullECRContainerError: .*registry 222222222222.*: the service gave 0 logins/,
    );
    expect(await fails(ecr('111111111111', true), { withoutRole: true })).toMatch(
      /^CannotPullECRContainerError: the credentials of the execution role are missing/,
    );
    const gone = { type: 'asm', asmAuthData: { credentialsParameter: `${ARN}:none`, region: 'us-west-2' } };
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
