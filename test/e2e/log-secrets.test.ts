import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TestAgent } from '../support/agent.ts';
import type { AwsDouble } from '../support/aws-double.ts';
import { hostProcesses } from '../support/processes.ts';
import type { RecordingControlPlane } from '../support/recording-control-plane.ts';
import { run } from '../support/run.ts';
import type { Scratch } from '../support/scratch.ts';
import { SplunkCollector } from '../support/splunk-collector.ts';
import { until } from '../support/until.ts';
import { filesUnder, fromManager, fromSsm, SECRET_ARN, type SecretTasks } from './secret-tasks.ts';
import { NAMESPACE, type SecretWorld, startSecretWorld } from './secret-world.ts';

/** A thousand lines a second: the driver sends as soon as it has so many, else every five seconds. */
const COUNTING =
  'trap "exit 0" TERM; i=0; while :; do n=0; while [ $n -lt 100 ]; do n=$((n+1)); i=$((i+1)); echo "line $i"; done; sleep 0.1; done';
/** Written that much later than what is there when one looks. */
const LATER = 1_500;
/** In every value; nothing else has it. */
const VALUE = 'hush-';

let world: SecretWorld;
let scratch: Scratch;
let aws: AwsDouble;
let ecs: RecordingControlPlane;
let collector: SplunkCollector;
let agent: TestAgent;
let tasks: SecretTasks;

beforeAll(async () => {
  collector = await SplunkCollector.start();
  world = await startSecretWorld({
    prepare: async ({ path }) => {
      mkdirSync(path('run'));
      await run('mount', ['-t', 'tmpfs', 'none', path('run')]);
    },
  });
  ({ scratch, aws, ecs, agent, tasks } = world);
}, 120_000);
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
  await collector?.[Symbol.asyncDispose]();
}, 60_000);

const inLogOption = (secret: object) => ({ ...secret, type: 'BOOTSTRAP', target: 'LOG_DRIVER' });

/** A task that counts and whose lines go to the collector with that secret as its token. */
async function counting(secret: object): Promise<string> {
  const logConfig = { Type: 'splunk', Config: { 'splunk-url': collector.url, tag: tasks.nextId } };
  const arn = tasks.run({
    container: {
      entryPoint: ['sh', '-c'],
      command: [COUNTING],
      secrets: [inLogOption(secret)],
      dockerConfig: { config: '{}', hostConfig: JSON.stringify({ LogConfig: logConfig }), version: '1.21' },
    },
  });
  await tasks.running(arn);
  return arn;
}

const postsWith = (token: string) =>
  collector.posts.filter(({ headers }) => headers.authorization === `Splunk ${token}`);

/** Numbers of the lines that have come under that token. */
const numbersWith = (token: string) =>
  postsWith(token)
    .flatMap(({ objects }) => objects)
    .flatMap(({ event }) => /line (\d+)/.exec(JSON.stringify(event))?.[1] ?? [])
    .map(Number);
const highest = (token: string) => numbersWith(token).reduce((most, number) => Math.max(most, number), 0);

/** Waits until lines that are written from now on have arrived under that token. */
async function arrives(token: string): Promise<void> {
  const before = highest(token);
  await until(() => highest(token) > before + LATER, {
    what: `lines arrive with ${token}`,
    timeoutMs: 60_000,
    intervalMs: 200,
  });
}

function logService(): number {
  const found = hostProcesses().find(
    ({ args }) => args.some((arg) => arg.includes('container-log')) && args.includes(scratch.path('run')),
  );
  if (found === undefined) throw new Error('no log service runs');
  return found.pid;
}

/** Everything outside memory that may not have a value, but for the files that are meant to; whoever has one. */
async function whoTells(): Promise<readonly string[]> {
  const files = ['data', 'run'].flatMap((folder) => filesUnder(scratch.path(folder)));
  const [containers, document] = [
    await world.containerd.ctr(NAMESPACE, 'containers', 'ls', '-q'),
    await agent.ask(),
  ];
  const records = await Promise.all(
    containers
      .trim()
      .split('\n')
      .filter((id) => id !== '')
      .map(async (id) => [
        `container ${id}`,
        await world.containerd.ctr(NAMESPACE, 'containers', 'info', id),
      ]),
  );
  const texts = [
    ...[...files, scratch.path('agent.log')].map((file) => [file, readOr(file)]),
    ...hostProcesses().map(({ pid, args }) => [`process ${pid}`, args.join(' ')]),
    ...records,
    ['introspection', JSON.stringify(document)],
    ['reports', JSON.stringify(ecs.lines.filter(({ dir }) => dir === 'in'))],
  ];
  return texts.filter(([, text = '']) => text.includes(VALUE)).map(([place = '']) => place);
}

/** Files of the log service come and go. */
function readOr(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

const filesAreGone = () =>
  until(() => secretFiles().length === 0, { what: 'the file goes with the container', timeoutMs: 60_000 });
const secretFiles = () => readdirSync(scratch.path('run/log-secrets'));

describe('secret options of a log driver', () => {
  it('reach the driver, also after kill -9 of log service and agent, and are in one file alone (RES-30, LOG-80, LOG-100)', async () => {
    const token = `${VALUE}parameter`;
    aws.parameters.set('/splunk', token);
    const arn = await counting(fromSsm('splunk-token', '/splunk'));
    await arrives(token);
    const registration = JSON.stringify(ecs.lines.filter(({ op }) => op === 'RegisterContainerInstance'));
    for (const store of ['ssm', 'asm'])
      expect(registration).toContain(`ecs.capability.secrets.${store}.bootstrap.log-driver`);
    const [name = ''] = secretFiles();
    const file = scratch.path('run/log-secrets', name);
    expect(await whoTells()).toEqual([file]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(scratch.path('run/log-secrets')).mode & 0o777).toBe(0o700);

    aws.calls.length = 0;
    process.kill(logService(), 'SIGKILL');
    await arrives(token);
    await agent.kill('SIGKILL');
    await arrives(token);
    process.kill(logService(), 'SIGKILL');
    await agent.start();
    await arrives(token);
    expect(aws.calls).toEqual([]);
    expect(await whoTells()).toEqual([file]);

    tasks.stop(arn);
    await tasks.stopped(arn);
    await filesAreGone();
    expect(await whoTells()).toEqual([]);
  }, 150_000);

  it('are fetched again when nothing of them is left, as after a restart of the host (RES-30)', async () => {
    const token = `${VALUE}secret`;
    aws.secrets.set(`${SECRET_ARN}:splunk`, JSON.stringify({ token }));
    const arn = await counting(fromManager('splunk-token', `${SECRET_ARN}:splunk:token::`));
    await arrives(token);
    aws.calls.length = 0;
    process.kill(logService(), 'SIGSTOP');
    for (const name of secretFiles()) rmSync(scratch.path('run/log-secrets', name));
    process.kill(logService(), 'SIGKILL');
    await arrives(token);
    expect(aws.operations).toEqual(['secretsmanager.GetSecretValue']);
    expect(secretFiles()).toHaveLength(1);
    const seen = new Set(numbersWith(token));
    const missing = Array.from({ length: highest(token) }, (_, index) => index + 1).filter(
      (number) => !seen.has(number),
    );
    expect(missing).toEqual([]);
    tasks.stop(arn);
    await tasks.stopped(arn);
    await filesAreGone();
  }, 150_000);

  it('that are wrong fail the container by their name, without their value (LOG-80)', async () => {
    aws.parameters.set('/address', `${VALUE}scheme://there`);
    const arn = tasks.run({
      container: {
        secrets: [inLogOption(fromSsm('syslog-address', '/address'))],
        dockerConfig: {
          config: '{}',
          hostConfig: JSON.stringify({ LogConfig: { Type: 'syslog', Config: {} } }),
          version: '1.21',
        },
      },
    });
    const report = await tasks.stopped(arn);
    const reason = report.containers?.find((container) => container.reason !== undefined)?.reason;
    expect(reason).toMatch(/^CannotCreateContainerError: .*\*\*\*/);
    expect(await whoTells()).toEqual([]);
  });
});

it('leaves nothing behind', async () => {
  await world.expectClean();
  expect(secretFiles()).toEqual([]);
});
