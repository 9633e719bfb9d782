import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, tryRun } from '../../support/run.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { AgentDouble } from './agent-double.ts';
import { client } from './stage.ts';

let scratch: Scratch;
let directory: string;
let processes: ChildProcess[];
beforeEach(() => {
  scratch = makeScratch();
  directory = scratch.directory;
  processes = [];
});
afterEach(async () => {
  for (const child of processes) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  await scratch.remove();
});

/** Starts the program and waits for its line. */
async function start(...flags: string[]): Promise<{ child: ChildProcess; url: string }> {
  const args = ['src/control-plane/main.ts', '--state-dir', join(directory, 'state'), ...flags];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: '/usr/bin' },
  });
  processes.push(child);
  const [line] = await once(createInterface({ input: child.stdout ?? process.stdin }), 'line');
  const url = /^control plane listening on (https?:\/\/127\.0\.0\.1:\d+), state in /.exec(String(line))?.[1];
  if (url === undefined) throw new Error(`unexpected line: ${line}`);
  return { child, url };
}

/** The AWS command line with nothing of this machine's configuration. */
function cli(url: string, args: readonly string[], env: Record<string, string> = {}) {
  const all = ['--endpoint-url', url, '--region', 'us-west-2', '--output', 'json', 'ecs', ...args];
  return tryRun('/usr/bin/aws', all, {
    env: {
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_SESSION_TOKEN: '',
      AWS_CONFIG_FILE: join(directory, 'none'),
      AWS_SHARED_CREDENTIALS_FILE: join(directory, 'none'),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
      ...env,
    },
  });
}

async function aws(url: string, ...args: string[]) {
  const { exitCode, stdout, stderr } = await cli(url, args);
  if (exitCode !== 0) throw new Error(stderr);
  return stdout === '' ? undefined : JSON.parse(stdout);
}

test('the AWS command line runs a task, waits for it, stops it and waits again', async () => {
  const { url } = await start('--port', '0');
  await aws(url, 'create-cluster', '--cluster-name', 'c');
  const containers = [{ name: 'app', image: 'busybox', memory: 16, command: ['sleep', '9'] }];
  const definition = { family: 'web', containerDefinitions: containers };
  writeFileSync(join(directory, 'web.json'), JSON.stringify(definition));
  const registered = await aws(
    url,
    'register-task-definition',
    '--cli-input-json',
    `file://${join(directory, 'web.json')}`,
  );
  expect(registered.taskDefinition.revision).toBe(1);

  const ecs = client(url);
  const agent = await AgentDouble.register({ controlPlane: { url }, ecs }, 'c');
  const acs = await agent.acs();
  const { tasks } = await aws(url, 'run-task', '--cluster', 'c', '--task-definition', 'web');
  const task = tasks[0].taskArn;
  const start_ = await acs.next('PayloadMessage');
  agent.ack(acs, start_);
  await agent.reportRunning(start_.message.tasks[0]);
  await aws(url, 'wait', 'tasks-running', '--cluster', 'c', '--tasks', task);

  await aws(url, 'stop-task', '--cluster', 'c', '--task', task, '--reason', 'enough');
  const stop = await acs.next('PayloadMessage', (message) => message.tasks[0].desiredStatus === 'STOPPED');
  agent.ack(acs, stop);
  await agent.reportStopped(stop.message.tasks[0], 143);
  await aws(url, 'wait', 'tasks-stopped', '--cluster', 'c', '--tasks', task);
  const described = await aws(url, 'describe-tasks', '--cluster', 'c', '--tasks', task, 'missing');
  expect(described).toMatchObject({
    tasks: [{ stopCode: 'UserInitiated', stoppedReason: 'enough', containers: [{ exitCode: 143 }] }],
    failures: [{ reason: 'MISSING' }],
  });
  const listed = await aws(url, 'list-tasks', '--cluster', 'c', '--desired-status', 'STOPPED');
  expect(listed.taskArns).toEqual([task]);
  acs.cut();
  ecs.destroy();
});

test('the AWS command line is told in AWS’s words what is wrong with its key', async () => {
  const { url } = await start('--port', '0', '--access-key', 'AKID', '--secret-key', 'secret');
  const right = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret' };
  expect((await cli(url, ['list-clusters'], right)).exitCode).toBe(0);
  const wrong = await cli(url, ['list-clusters'], { ...right, AWS_SECRET_ACCESS_KEY: 'x' });
  expect(wrong.stderr).toContain('(InvalidSignatureException)');
  expect(wrong.stderr).toContain('The request signature we calculated does not match');
  const unknown = await cli(url, ['list-clusters']);
  expect(unknown.stderr).toContain('The security token included in the request is invalid');
});

test('what was answered is there after a kill', async () => {
  const first = await start('--port', '0');
  await aws(first.url, 'create-cluster', '--cluster-name', 'kept');
  first.child.kill('SIGKILL');
  await once(first.child, 'exit');
  const second = await start('--port', '0');
  const { clusterArns } = await aws(second.url, 'list-clusters');
  expect(clusterArns).toEqual(['arn:aws:ecs:us-west-2:123456789012:cluster/kept']);
});

test('SIGTERM ends it with 0, and a second one on the same state says why it cannot start', async () => {
  const { child, url } = await start('--port', '0');
  const args = ['src/control-plane/main.ts', '--state-dir', join(directory, 'state'), '--port', '0'];
  const second = await tryRun(process.execPath, args);
  expect(second.exitCode).not.toBe(0);
  expect(second.stderr).toContain('Cannot open the state');
  expect(url).toContain('127.0.0.1');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});

test('with a certificate it speaks https and gives out https endpoints', async () => {
  const certificate = join(directory, 'cert.pem');
  const key = join(directory, 'key.pem');
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const out = ['-keyout', key, '-out', certificate];
  await run('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...out]);
  const { url } = await start('--port', '0', '--tls-cert', certificate, '--tls-key', key);
  expect(url).toMatch(/^https:/);
  const env = { AWS_CA_BUNDLE: certificate };
  await cli(url, ['create-cluster'], env);
  const { stdout } = await cli(url, ['discover-poll-endpoint'], env);
  expect(JSON.parse(stdout).endpoint).toBe(`${url}/acs/`);
});
